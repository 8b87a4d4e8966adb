import { isSecondFactorRequired, isYoozakError, type SecondFactorRequired } from '@yoozak/clients'
import { useState, type ReactNode } from 'react'
import { client, hasPasskeys, passkeys } from '../client'
import { Field, FormBox, plain, useForm } from '../form'
import { Methods } from '../methods'
import { go, Link } from '../route'
import { useText } from '../text'
import { Zellige } from '../zellige'

/** Beside shows a form beside the shop's pattern. */
export function Beside({ title, text, children }: { title: string; text: string; children: ReactNode }) {
  return (
    <div className="beside">
      <section>
        <h1 tabIndex={-1}>{title}</h1>
        <p className="lead">{text}</p>
        {children}
      </section>
      <Zellige />
    </div>
  )
}

export function Login({ notice }: { notice?: string | undefined }) {
  const { t } = useText()
  const [waits, setWaits] = useState<SecondFactorRequired>() // the challenge is kept here, in memory alone
  const [over, setOver] = useState<string>()
  const form = useForm(async v => {
    setOver(undefined)
    await client.login({ username: v.username!, password: v.password! }).catch(e => {
      if (!isSecondFactorRequired(e)) throw e
      setWaits(e)
    })
  })
  const key = useForm(async () => {
    await passkeys.login().catch(e => {
      if (e.name !== 'NotAllowedError') throw e // the person closed the browser's own window
    })
  })
  if (waits) {
    return <Second waits={waits} back={why => {
      setWaits(undefined)
      setOver(why)
    }} />
  }
  return (
    <Beside title={t.loginTitle} text={t.loginText}>
      {over && <p className="notice warn" role="alert">{over}</p>}
      <FormBox form={form} button={t.logIn} done={over ? undefined : notice}>
        <Field form={form} name="username" label={t.name} autoComplete="username" required {...plain} />
        <Field form={form} name="password" label={t.password} type="password" autoComplete="current-password" required dir="ltr" />
        <p className="aside"><Link href="/forgotten">{t.forgotten}</Link></p>
      </FormBox>
      {hasPasskeys && (
        <form onSubmit={key.onSubmit} className="or" aria-busy={key.busy}>
          {key.message && <p className="notice bad" role="alert">{key.message}</p>}
          <button className="secondary" disabled={key.busy || key.wait > 0}>{t.loginByPasskey}</button>
        </form>
      )}
      <p className="other">{t.noAccount} <Link href="/register">{t.register}</Link></p>
    </Beside>
  )
}

/** Second is the second step of a login that waits. */
function Second({ waits, back }: { waits: SecondFactorRequired; back: (why?: string) => void }) {
  const { t } = useText()
  return (
    <Beside title={t.secondTitle} text={t.secondText}>
      <Methods methods={waits.methods} button={t.logIn} trusts act={async ({ method, trust, code, recovery_code }) => {
        const { challenge } = waits
        try {
          await (method === 'passkey' ? passkeys.loginSecond(challenge, { trust }) : client.loginSecond({ challenge, code, recovery_code, trust }))
        } catch (e) {
          if (!isYoozakError(e) || !e.codes.challenge) throw e
          back(e.fields.challenge?.[0]) // five minutes or five tries are over: the password again
        }
      }}>
        <button type="button" className="plain" onClick={() => back()}>{t.backToLogin}</button>
      </Methods>
    </Beside>
  )
}

export function Register() {
  const { t } = useText()
  const form = useForm(v => client.register({ username: v.username!, password: v.password!, email: v.email!, first_name: v.first_name!, last_name: v.last_name! }))
  return (
    <Beside title={t.registerTitle} text={t.registerText}>
      <FormBox form={form} button={t.register}>
        <div className="pair">
          <Field form={form} name="first_name" label={t.firstName} autoComplete="given-name" optional />
          <Field form={form} name="last_name" label={t.lastName} autoComplete="family-name" optional />
        </div>
        <Field form={form} name="username" label={t.username} autoComplete="username" hint={t.usernameHint} required {...plain} />
        <Field form={form} name="email" label={t.email} type="email" autoComplete="email" optional {...plain} />
        <Field form={form} name="password" label={t.password} type="password" autoComplete="new-password" hint={t.passwordHint} required dir="ltr" />
      </FormBox>
      <p className="other">{t.haveAccount} <Link href="/login">{t.logIn}</Link></p>
    </Beside>
  )
}

export function Forgot() {
  const { t } = useText()
  const [sent, setSent] = useState('')
  const form = useForm(async v => {
    await client.requestReset({ email: v.email! })
    setSent(v.email!)
  })
  if (sent) {
    return (
      <Beside title={t.sentTitle} text={t.sentText(sent)}>
        <p className="actions">
          <button type="button" className="secondary" onClick={() => setSent('')}>{t.otherAddress}</button>
          <button type="button" className="plain" onClick={() => go('/login')}>{t.backToLogin}</button>
        </p>
      </Beside>
    )
  }
  return (
    <Beside title={t.forgotTitle} text={t.forgotText}>
      <FormBox form={form} button={t.sendLink}>
        <Field form={form} name="email" label={t.email} type="email" autoComplete="email" required {...plain} />
      </FormBox>
      <p className="other"><Link href="/login">{t.backToLogin}</Link></p>
    </Beside>
  )
}
