// Who is asked to confirm that it is them: the client asks here, and the dialog of the page (src/confirm.tsx) answers.
import type { ConfirmRequired, Method } from '@yoozak/clients'

export interface Question { methods: Method[]; answer: (isConfirmed: boolean) => void }

let open: Question | null = null
const watching = new Set<() => void>()

function show(question: Question | null) {
  open = question
  watching.forEach(f => f())
}

/** Opens the dialog, and resolves to whether the person has confirmed. */
export const askForProof = ({ methods }: ConfirmRequired) => new Promise<boolean>(done => show({
  methods,
  answer(isConfirmed) {
    show(null)
    done(isConfirmed)
  },
}))

export const question = () => open
export const watchQuestion = (f: () => void) => (watching.add(f), () => { watching.delete(f) })
