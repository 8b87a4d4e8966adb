import type { AppSecret, Factor, FactorList, Recovery, TrustedDevice } from '@yoozak/clients/factors'
import { useCallback, useEffect, useRef, useState, type ReactNode } from 'react'
import { factors, hasPasskeys, passkeys } from '../client'
import { Check, Field, FormBox, useForm } from '../form'
import { CodeField } from '../methods'
import { Link } from '../route'
import { useText } from '../text'

/** What is under way instead of the list: an app that is set up, or codes that are shown once. */
type Doing = { app: AppSecret } | { codes: string[]; others?: number; said?: string } | undefined

export function Security() {
  const { t, date, language } = useText()
  const [list, setList] = useState<FactorList>()
  const [devices, setDevices] = useState<TrustedDevice[]>([])
  const [recovery, setRecovery] = useState<Recovery | null>(null)
  const [doing, setDoing] = useState<Doing>()
  const [leaving, setLeaving] = useState<string>() // the factor that is about to be removed
  const [said, setSaid] = useState<string>()
  const load = useCallback(() => Promise.all([
    factors.list().then(setList), factors.devices().then(setDevices), factors.recovery().then(setRecovery),
  ]).then(() => {}, () => {}), [])
  useEffect(() => { load() }, [load, language])

  // act makes the form of one button.
  const act = (run: (v: Record<string, string>) => Promise<string | void>) => async (v: Record<string, string>) => {
    setSaid(undefined)
    const done = await run(v)
    await load()
    if (done) setSaid(done)
  }
  const begin = useForm(async () => {
    setSaid(undefined)
    setDoing({ app: await factors.setUpApp() })
  })
  const key = useForm(act(async () => {
    const added = await passkeys.add().catch(e => {
      if (e.name !== 'NotAllowedError') throw e // the person closed the browser's own window
    })
    if (!added) return
    if (added.recovery_codes) setDoing({ codes: added.recovery_codes, said: t.factorAdded })
    else return t.factorAdded
  }))
  const remove = useForm(act(async v => {
    await factors.remove(v.id!)
    setLeaving(undefined)
    return t.factorRemoved
  }))
  const renew = useForm(act(async () => setDoing({ codes: await factors.newRecoveryCodes() })))
  const distrust = useForm(act(async v => {
    await factors.endTrust(v.id!)
    return t.trustEnded
  }))
  const stop = useForm(act(async () => {
    await factors.stopRecovery()
    return t.recoveryStopped
  }))

  if (doing && 'app' in doing) {
    return <SetUp app={doing.app} cancel={() => setDoing(undefined)} done={(codes, others) => {
      setDoing(codes ? { codes, others, said: t.factorAdded } : undefined)
      setSaid(codes ? undefined : t.factorAdded)
      load()
    }} />
  }
  if (doing) return <Codes {...doing} done={() => { setDoing(undefined); setSaid(doing.said) }} />

  const some = !!list?.factors.length
  const forms = [begin, key, remove, renew, distrust, stop]
  const message = forms.map(f => f.message).find(Boolean)
  const name = (f: Factor) => f.name || (f.kind === 'totp' ? t.app : t.passkey)
  return (
    <>
      <h1 tabIndex={-1}>{t.security}</h1>
      <p className="lead">{t.securityText}</p>
      {message && <p className="notice bad" role="alert">{message}</p>}
      {said && !message && <p className="notice good" role="status">{said}</p>}
      {recovery && (
        <div className="card warning">
          <h2>{t.recoveryTitle}</h2>
          <p>{t.recoveryText(recovery.email, date(recovery.ready_at))}</p>
          <form onSubmit={stop.onSubmit}><button className="secondary" disabled={stop.busy}>{t.recoveryStop}</button></form>
        </div>
      )}
      <div className="card" aria-busy={!list}>
        <div className="title"><h2>{t.twoSteps}</h2>{list && <span className={some ? 'tag good' : 'tag warn'}>{some ? t.on : t.off}</span>}</div>
        {list && !some && <p className="soft">{t.twoStepsNone}</p>}
        {some && (
          <ul className="factors">
            {list.factors.map(f => (
              <li key={f.id}>
                <Icon kind={f.kind} />
                <div>
                  <strong><bdi>{name(f)}</bdi></strong>
                  <span className="soft">{f.name && <span>{f.kind === 'totp' ? t.app : t.passkey}</span>}<span>{f.last_used_at ? `${t.lastUsed} ${date(f.last_used_at)}` : `${t.added} ${date(f.created_at)}`}</span></span>
                </div>
                {leaving === f.id ? (
                  <form onSubmit={remove.onSubmit} className="sure">
                    <p>{list.factors.length === 1 ? t.removeLast : t.removeText}</p>
                    <input type="hidden" name="id" value={f.id} />
                    <span className="actions">
                      <button className="secondary danger" disabled={remove.busy} autoFocus>{t.remove}</button>
                      <button type="button" className="plain" onClick={() => setLeaving(undefined)}>{t.keep}</button>
                    </span>
                  </form>
                ) : <button type="button" className="secondary" aria-label={t.removeOf(name(f))} onClick={() => setLeaving(f.id)}>{t.remove}</button>}
              </li>
            ))}
          </ul>
        )}
        {list && (
          <div className="actions">
            <form onSubmit={begin.onSubmit}><button className={some ? 'secondary' : 'primary'} disabled={begin.busy || begin.wait > 0}>{t.addApp}</button></form>
            {hasPasskeys && <form onSubmit={key.onSubmit}><button className="secondary" disabled={key.busy || key.wait > 0}>{t.addPasskey}</button></form>}
          </div>
        )}
      </div>
      {some && (
        <div className="card row">
          <div><h2>{t.recoveryCodes}</h2><p className={list.recovery_codes_left < 3 ? 'error' : 'soft'}>{t.codesLeft(list.recovery_codes_left)}</p></div>
          <form onSubmit={renew.onSubmit}><button className="secondary" disabled={renew.busy || renew.wait > 0}>{t.newCodes}</button></form>
        </div>
      )}
      {devices.length > 0 && (
        <div className="card">
          <h2>{t.trustedDevices}</h2>
          <p className="soft">{t.trustedText}</p>
          <ul className="factors">
            {devices.map(d => (
              <li key={d.id}>
                <Icon kind="trusted" />
                <div>
                  <strong>{d.device || t.unknownDevice}</strong>
                  <span className="soft"><span>{t.until} {date(d.expires_at)}</span>{d.current && <span>{t.thisDevice}</span>}</span>
                </div>
                <form onSubmit={distrust.onSubmit}>
                  <input type="hidden" name="id" value={d.id} />
                  <button className="secondary" disabled={distrust.busy} aria-label={t.distrustOf(d.device || t.unknownDevice)}>{t.distrust}</button>
                </form>
              </li>
            ))}
          </ul>
        </div>
      )}
    </>
  )
}

/** SetUp shows what an authenticator app needs, and takes the first code of it. */
function SetUp({ app, cancel, done }: { app: AppSecret; cancel: () => void; done: (codes: string[] | null, others: number) => void }) {
  const { t } = useText()
  const form = useForm(async v => {
    const added = await factors.confirmApp(v.code!, app.id)
    if (v.name) await factors.rename(app.id, v.name).catch(() => {}) // the factor is there, whatever becomes of its name
    done(added.recovery_codes, added.other_sessions)
  })
  return (
    <>
      <Head title={t.addApp} text={t.scanText} />
      <div className="card setup">
        <div className="qr" role="img" aria-label={t.qr} dangerouslySetInnerHTML={{ __html: app.qr }} />
        <div>
          <p className="only-phone"><a className="secondary" href={app.uri}>{t.openApp}</a></p>
          <p className="soft">{t.secretText}</p>
          <p className="secret-key" dir="ltr"><code>{app.secret.replace(/(.{4})(?=.)/g, '$1 ')}</code></p>
          <Copy text={app.secret} label={t.copySecret} />
        </div>
        <FormBox form={form} button={t.confirmApp}>
          <CodeField form={form} hint={t.firstCodeHint} />
          <Field form={form} name="name" label={t.factorName} hint={t.factorNameHint} maxLength={40} optional />
        </FormBox>
        <button type="button" className="plain" onClick={cancel}>{t.cancel}</button>
      </div>
    </>
  )
}

/** Codes shows recovery codes, once. */
function Codes({ codes, others = 0, done }: { codes: string[]; others?: number; done: () => void }) {
  const { t } = useText()
  const [isMissing, setMissing] = useState(false)
  const form = useForm(async v => v.kept ? done() : setMissing(true))
  return (
    <>
      <Head title={t.recoveryCodes} text={t.codesText} />
      <div className="card codes">
        <ol dir="ltr">{codes.map(code => <li key={code}><code>{code}</code></li>)}</ol>
        <div className="actions no-print">
          <Copy text={codes.join('\n')} label={t.copyCodes} />
          <button type="button" className="secondary" onClick={() => print()}>{t.print}</button>
        </div>
        <div className="no-print">
          {others > 0 && <p className="notice warn">{t.otherSessions(others)} <Link href="/account/devices">{t.seeDevices}</Link></p>}
          <FormBox form={form} button={t.finish}>
            <Check name="kept" label={t.codesKept} error={isMissing ? t.codesKeep : undefined} />
          </FormBox>
        </div>
      </div>
    </>
  )
}

/** Head moves whoever listens to the page to its new title. */
function Head({ title, text }: { title: string; text: string }) {
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    scrollTo(0, 0)
    heading.current?.focus({ preventScroll: true })
  }, [])
  return <><h1 tabIndex={-1} ref={heading}>{title}</h1><p className="lead">{text}</p></>
}

function Copy({ text, label }: { text: string; label: string }): ReactNode {
  const { t } = useText()
  const [said, setSaid] = useState<string>()
  const copy = () => navigator.clipboard.writeText(text).then(() => setSaid(t.copied), () => setSaid(t.notCopied))
  return <span className="copy"><button type="button" className="secondary" onClick={copy}>{label}</button><span role="status" className="soft">{said}</span></span>
}

const drawings: Record<string, ReactNode> = {
  totp: <><rect x="6.5" y="3" width="11" height="18" rx="2.2" /><path d="M9.5 13.5h.01M12 13.5h.01M14.5 13.5h.01M9.5 10h5" /></>,
  passkey: <><circle cx="8" cy="12" r="4" /><path d="M12 12h9M18 12v3.5M15 12v2.5" /></>,
  trusted: <><path d="M12 3.5 5 6v5.5c0 4.3 2.9 7.4 7 9 4.1-1.6 7-4.7 7-9V6Z" /><path d="m9 11.8 2.2 2.2 4-4.2" /></>,
}
const Icon = ({ kind }: { kind: string }) => (
  <svg viewBox="0 0 24 24" width="28" height="28" fill="none" stroke="currentColor" strokeWidth="1.6" strokeLinejoin="round" strokeLinecap="round" aria-hidden="true">{drawings[kind] ?? drawings.trusted}</svg>
)
