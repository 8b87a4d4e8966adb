// One of several ways to show that it is oneself: at the second step of a login, and in the dialog that asks to confirm.
import { isYoozakError, type Method } from '@yoozak/clients'
import { useState, type ReactNode } from 'react'
import { hasPasskeys } from './client'
import { Check, Field, FormBox, plain, useForm } from './form'
import { useText } from './text'

export interface Shown { method: Method; code?: string; recovery_code?: string; password?: string; code_id?: string; trust: boolean }

interface Props {
  methods: Method[]
  button: string
  /** Offers to trust this device. */
  trusts?: boolean
  /** Has a code mailed and resolves to its id. */
  mail?: () => Promise<string>
  act: (shown: Shown) => Promise<unknown>
  children?: ReactNode
}

/** Methods asks for the first method that this page can do, and offers the others. */
export function Methods({ methods, children, ...rest }: Props) {
  const { t } = useText()
  const names: Record<string, string> = { passkey: t.byPasskey, totp: t.byApp, recovery_code: t.byRecoveryCode, password: t.byPassword, email: t.byMail }
  const known = methods.filter(m => m in names && (m !== 'passkey' || hasPasskeys) && (m !== 'email' || rest.mail))
  const [chosen, choose] = useState<Method>()
  const method = chosen ?? known.find(m => m !== 'email') ?? known[0] // a mail is not sent before somebody wants it
  return (
    <>
      {method ? <One key={method} method={method} {...rest} /> : <p className="notice bad" role="alert">{t.noMethod}</p>}
      <div className="ways">
        {known.filter(m => m !== method).map(m => <button key={m} type="button" className="plain" onClick={() => choose(m)}>{names[m]}</button>)}
        {children}
      </div>
    </>
  )
}

function One({ method, button, trusts, mail, act }: Omit<Props, 'methods' | 'children'> & { method: Method }) {
  const { t } = useText()
  const [mailed, setMailed] = useState<string>()
  const form = useForm(async ({ trust, ...v }) => {
    if (method === 'email' && !mailed) return setMailed(await mail!())
    try {
      await act({ method, ...v, ...mailed ? { code_id: mailed } : {}, trust: trust === 'on' })
    } catch (e) {
      if (e instanceof Error && e.name === 'NotAllowedError') return // the person closed the browser's own window
      if (isYoozakError(e) && e.codes.code_id) setMailed(undefined)
      throw e
    }
  })
  return (
    <FormBox form={form} button={method === 'passkey' ? t.usePasskey : method === 'email' && !mailed ? t.sendCode : button}>
      {method === 'passkey' && <p className="hint">{t.passkeyHint}</p>}
      {method === 'totp' && <CodeField form={form} hint={t.appHint} autoFocus />}
      {method === 'email' && (mailed ? <CodeField form={form} hint={t.mailHint} autoFocus /> : <p className="hint">{t.mailText}</p>)}
      {method === 'recovery_code' && <Field form={form} name="recovery_code" label={t.recoveryCode} hint={t.recoveryHint} autoComplete="off" required autoFocus {...plain} autoCapitalize="characters" />}
      {method === 'password' && <Field form={form} name="password" label={t.password} type="password" autoComplete="current-password" required autoFocus dir="ltr" />}
      {trusts && method !== 'recovery_code' && <Check name="trust" label={t.trust} hint={t.trustHint} />}
    </FormBox>
  )
}

/** Six digits. Telephones offer them from their keyboard; they stand from the left also on Arabic pages. */
export function CodeField({ form, hint, autoFocus }: { form: ReturnType<typeof useForm>; hint: string; autoFocus?: boolean }) {
  const { t } = useText()
  return <Field form={form} name="code" label={t.code} hint={hint} className="code" inputMode="numeric" autoComplete="one-time-code" maxLength={16} required dir="ltr" {...autoFocus ? { autoFocus } : {}} />
}
