import type { AccountSecurity } from '@yoozak/clients'
import { useAuth } from '@yoozak/clients/react'
import { useEffect, useState } from 'react'
import { client } from '../client'
import { Field, FormBox, useForm } from '../form'
import { useText } from '../text'

export function Profile() {
  const { t, date } = useText()
  const { user, userKey } = useAuth(client)
  const [security, setSecurity] = useState<AccountSecurity>()
  const [said, setSaid] = useState<string>()
  useEffect(() => {
    const stop = new AbortController()
    client.me({ signal: stop.signal }).catch(() => {}) // what another device has changed
    client.security({ signal: stop.signal }).then(setSecurity, () => {})
    return () => stop.abort()
  }, [userKey])
  const form = useForm(async v => {
    setSaid(undefined)
    await client.updateMe({ first_name: v.first_name!, last_name: v.last_name! })
    setSaid(t.saved)
  })
  const mail = useForm(async () => {
    setSaid(undefined)
    await client.resendVerification()
    setSaid(t.resent)
  })
  const data = useForm(async () => {
    const url = URL.createObjectURL(new Blob([JSON.stringify(await client.export(), null, 2)], { type: 'application/json' }))
    Object.assign(document.createElement('a'), { href: url, download: 'account.json' }).click()
    setTimeout(() => URL.revokeObjectURL(url), 1000)
  })
  return (
    <>
      <h1 tabIndex={-1}>{t.profile}</h1>
      <p className="lead">{t.profileText}</p>
      <div className="card" key={`${user?.first_name} ${user?.last_name}`}>
        <FormBox form={form} button={t.save} done={said === t.saved ? said : undefined}>
          <div className="pair">
            <Field form={form} name="first_name" label={t.firstName} autoComplete="given-name" defaultValue={user?.first_name} />
            <Field form={form} name="last_name" label={t.lastName} autoComplete="family-name" defaultValue={user?.last_name} />
          </div>
        </FormBox>
      </div>
      <div className="card">
        <dl>
          <div><dt>{t.username}</dt><dd><bdi>{user?.username}</bdi></dd></div>
          <div>
            <dt>{t.email}</dt>
            <dd>
              {user?.email ? <bdi>{user.email}</bdi> : <span className="soft">{t.noEmail}</span>}
              {user?.email && security && <span className={security.email_verified ? 'tag good' : 'tag warn'}>{security.email_verified ? t.verified : t.notVerified}</span>}
            </dd>
          </div>
          {security && <div><dt>{t.since}</dt><dd>{date(security.joined_at)}</dd></div>}
        </dl>
        {user?.email && security && !security.email_verified && (
          <form onSubmit={mail.onSubmit} ref={mail.form}>
            {mail.message && <p className="notice bad" role="alert" tabIndex={-1}>{mail.message}</p>}
            {said === t.resent ? <p className="notice good" role="status">{said}</p> : <button className="secondary" disabled={mail.busy || mail.wait > 0}>{t.resend}</button>}
          </form>
        )}
      </div>
      <div className="card row">
        <h2>{t.yours}</h2>
        <form onSubmit={data.onSubmit} ref={data.form}>
          {data.message && <p className="notice bad" role="alert" tabIndex={-1}>{data.message}</p>}
          <button className="secondary" disabled={data.busy || data.wait > 0}>{t.download}</button>
        </form>
      </div>
    </>
  )
}
