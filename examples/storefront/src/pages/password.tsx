import { useAuth } from '@yoozak/clients/react'
import { useState } from 'react'
import { client } from '../client'
import { Field, FormBox, useForm } from '../form'
import { useText } from '../text'

export function Password() {
  const { t } = useText()
  const { user } = useAuth(client)
  const [times, setTimes] = useState(0)
  const form = useForm(async v => {
    await client.changePassword({ current_password: v.current_password!, new_password: v.new_password! })
    setTimes(times + 1) // empties the fields
  })
  return (
    <>
      <h1 tabIndex={-1}>{t.passwordTitle}</h1>
      <p className="lead">{t.passwordText}</p>
      <div className="card" key={times}>
        <FormBox form={form} button={t.change} done={times ? t.changed : undefined}>
          <input className="unseen" type="text" name="username" autoComplete="username" value={user?.username ?? ''} readOnly tabIndex={-1} aria-hidden="true" />
          <Field form={form} name="current_password" label={t.current} type="password" autoComplete="current-password" required dir="ltr" />
          <Field form={form} name="new_password" label={t.next} type="password" autoComplete="new-password" hint={t.passwordHint} required dir="ltr" />
        </FormBox>
      </div>
    </>
  )
}
