// The dialog that asks somebody who is logged in to confirm that it is them, before an act by which an account can be lost.
import { useAuth } from '@yoozak/clients/react'
import { useEffect, useRef, useSyncExternalStore } from 'react'
import { client, factors, passkeys } from './client'
import { Methods } from './methods'
import { question, watchQuestion } from './proof'
import { useText } from './text'

export function Confirm() {
  const { t } = useText()
  const asked = useSyncExternalStore(watchQuestion, question)
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => { if (asked) dialog.current?.showModal() }, [asked])
  const { userKey } = useAuth(client)
  useEffect(() => () => question()?.answer(false), [userKey]) // another person, or nobody
  if (!asked) return null
  return (
    <dialog ref={dialog} aria-labelledby="confirm" onCancel={e => { e.preventDefault(); asked.answer(false) }}>
      <h2 id="confirm">{t.proofTitle}</h2>
      <p className="lead">{t.proofText}</p>
      <Methods methods={asked.methods} button={t.proofButton} mail={() => factors.requestCode({ purpose: 'confirm' })} act={async ({ method, trust: _, ...proof }) => {
        await (method === 'passkey' ? passkeys.confirm() : client.confirm(proof))
        asked.answer(true)
      }}>
        <button type="button" className="plain" onClick={() => asked.answer(false)}>{t.cancel}</button>
      </Methods>
    </dialog>
  )
}
