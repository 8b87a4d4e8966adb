// Forms: what a person typed, what the server says of it, and where the cursor goes then.
import { isYoozakError } from '@yoozak/clients'
import { useEffect, useId, useRef, useState, type FormEvent, type InputHTMLAttributes, type ReactNode } from 'react'
import { useText } from './text'

type Values = Record<string, string>

/** useForm sends a form by `act` and keeps what came of it. */
export function useForm(act: (values: Values) => Promise<unknown>) {
  const { t } = useText()
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<unknown>()
  const [wait, setWait] = useState(0)
  const form = useRef<HTMLFormElement>(null)

  useEffect(() => { // counts down what Retry-After said
    if (wait <= 0) return
    const timer = setTimeout(() => setWait(wait - 1), 1000)
    return () => clearTimeout(timer)
  }, [wait])
  useEffect(() => { // the first field that is wrong, else what is said above the form
    if (error) (form.current?.querySelector<HTMLElement>('[aria-invalid=true]') ?? form.current?.querySelector<HTMLElement>('[role=alert]'))?.focus()
  }, [error])

  async function onSubmit(e: FormEvent<HTMLFormElement>) {
    e.preventDefault()
    if (busy || wait > 0) return
    const values = Object.fromEntries(new FormData(e.currentTarget)) as Values
    setBusy(true)
    setError(undefined)
    try {
      await act(values)
    } catch (e) {
      setError(e)
      setWait(isYoozakError(e) && e.retryAfter && e.status === 429 ? e.retryAfter : 0)
    }
    setBusy(false)
  }

  const known = isYoozakError(error) ? error : undefined
  const names = ['username', 'password', 'email', 'first_name', 'last_name', 'current_password', 'new_password', 'code', 'recovery_code', 'name']
  const others = Object.entries(known?.fields ?? {}).filter(([name]) => !names.includes(name)).flatMap(([, texts]) => texts ?? [])
  const message = !error || wait === 0 && known?.status === 429 ? ''
    : wait > 0 ? t.wait(wait)
    : known?.unknownOutcome ? t.unknownOutcome
    : known?.status === 0 ? t.network
    : !known || known.status >= 500 ? t.trouble(known?.requestId ?? '')
    : others.length ? others.join(' ')
    : Object.keys(known.fields).length ? ''
    : known.message
  return { form, onSubmit, busy, wait, message, errors: (name: string) => known?.fields[name] ?? [] }
}

type Form = ReturnType<typeof useForm>

export function FormBox({ form, button, children, done }: { form: Form; button: string; children?: ReactNode; done?: string | undefined }) {
  const { t } = useText()
  return (
    <form ref={form.form} onSubmit={form.onSubmit} noValidate aria-busy={form.busy}>
      {form.message && <p className="notice bad" role="alert" tabIndex={-1}>{form.message}</p>}
      {done && !form.message && <p className="notice good" role="status">{done}</p>}
      {children}
      <button className="primary" disabled={form.busy || form.wait > 0}>{form.busy ? t.busy : button}</button>
    </form>
  )
}

interface FieldProps extends Omit<InputHTMLAttributes<HTMLInputElement>, 'form'> { form: Form; name: string; label: string; hint?: string; optional?: boolean }

export function Field({ form, name, label, hint, optional, type = 'text', ...rest }: FieldProps) {
  const id = useId()
  const { t } = useText()
  const [open, setOpen] = useState(false)
  const errors = form.errors(name)
  const about = [errors.length && id + 'e', hint && id + 'h'].filter(Boolean).join(' ')
  const secret = type === 'password'
  return (
    <div className="field">
      <label htmlFor={id}>{label}{optional && <span className="soft"> · {t.optional}</span>}</label>
      <div className={secret ? 'secret' : undefined}>
        <input id={id} name={name} type={secret && open ? 'text' : type} aria-invalid={errors.length > 0} aria-describedby={about || undefined} {...rest} />
        {secret && <button type="button" className="peek" aria-pressed={open} aria-label={open ? t.hidePassword : t.showPassword} onClick={() => setOpen(!open)}>{open ? t.hide : t.show}</button>}
      </div>
      {errors.length > 0 && <p className="error" id={id + 'e'}>{errors[0]}</p>}
      {hint && <p className="hint" id={id + 'h'}>{hint}</p>}
    </div>
  )
}

/** Check is a box to tick. */
export function Check({ name, label, hint, error }: { name: string; label: string; hint?: string; error?: string | undefined }) {
  const id = useId()
  return (
    <div className="check">
      <input type="checkbox" id={id} name={name} aria-invalid={!!error} aria-describedby={hint || error ? id + 'h' : undefined} />
      <label htmlFor={id}>{label}</label>
      {(hint || error) && <p className={error ? 'error' : 'hint'} id={id + 'h'}>{error ?? hint}</p>}
    </div>
  )
}

/** Names and addresses are typed without the help of a telephone that likes capitals. */
export const plain = { autoCapitalize: 'none', autoCorrect: 'off', spellCheck: false, dir: 'ltr' } as const
