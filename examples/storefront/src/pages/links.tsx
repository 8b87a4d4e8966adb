// What links in mails lead to. The token stands behind the #, which browsers send to nobody; opening a page uses
// nothing up, since programs that look through mails open links, too.
import { useState } from 'react'
import { client } from '../client'
import { Field, FormBox, useForm } from '../form'
import { Link } from '../route'
import { useText } from '../text'
import { Beside } from './login'

const token = () => decodeURIComponent(location.hash.slice(1))

export function LinkPage({ title, text, button, done, act }: { title: string; text: string; button: string; done: string; act: (token: string) => Promise<void> }) {
  const { t } = useText()
  const [isDone, setDone] = useState(false)
  const form = useForm(async () => {
    await act(token())
    setDone(true)
    history.replaceState(null, '', location.pathname)
  })
  return (
    <Beside title={title} text={isDone ? done : token() ? text : t.noToken}>
      {isDone || !token() ? <Link href="/" className="primary">{t.toShop}</Link> : <FormBox form={form} button={button} />}
    </Beside>
  )
}

export function Reset() {
  const { t } = useText()
  const [isDone, setDone] = useState(false)
  const form = useForm(async v => {
    await client.resetPassword({ token: token(), new_password: v.new_password! })
    setDone(true)
    history.replaceState(null, '', location.pathname)
  })
  if (isDone) return <Beside title={t.resetTitle} text={t.resetDone}><Link href="/login" className="primary">{t.logIn}</Link></Beside>
  return (
    <Beside title={t.resetTitle} text={token() ? t.resetText : t.noToken}>
      {token() && (
        <FormBox form={form} button={t.choose}>
          <Field form={form} name="new_password" label={t.next} type="password" autoComplete="new-password" hint={t.passwordHint} required dir="ltr" />
        </FormBox>
      )}
      <p className="other"><Link href="/forgotten">{t.newLink}</Link></p>
    </Beside>
  )
}
