import type { Device } from '@yoozak/clients'
import { useCallback, useEffect, useState } from 'react'
import { client } from '../client'
import { useForm } from '../form'
import { useText } from '../text'

export function Devices() {
  const { t, date, language } = useText()
  const [devices, setDevices] = useState<Device[]>()
  const [said, setSaid] = useState<string>()
  const load = useCallback(() => client.sessions().then(setDevices, () => {}), [])
  useEffect(() => { load() }, [load, language])
  const end = useForm(async v => {
    setSaid(undefined)
    await client.endSession(v.id!)
    await load()
    setSaid(t.ended)
  })
  const all = useForm(() => client.logoutAll())
  const message = end.message || all.message
  return (
    <>
      <h1 tabIndex={-1}>{t.devices}</h1>
      <p className="lead">{t.devicesText}</p>
      {message && <p className="notice bad" role="alert">{message}</p>}
      {said && !message && <p className="notice good" role="status">{said}</p>}
      <ul className="devices" aria-busy={!devices}>
        {devices?.map(d => (
          <li key={d.id} className="card">
            <Icon phone={/Android|iPhone|iPad|iOS/i.test(d.device)} />
            <div>
              <strong>{d.device || t.unknownDevice}</strong>
              <span className="soft"><bdi>{d.ip}</bdi> · <span>{t.lastUsed} {date(d.last_used_at)}</span></span>
            </div>
            {d.current ? <span className="tag good">{t.thisDevice}</span> : (
              <form onSubmit={end.onSubmit}>
                <input type="hidden" name="id" value={d.id} />
                <button className="secondary" disabled={end.busy} aria-label={t.endOf(d.device || t.unknownDevice)}>{t.end}</button>
              </form>
            )}
          </li>
        ))}
      </ul>
      <form onSubmit={all.onSubmit}><button className="plain danger" disabled={all.busy}>{t.endAll}</button></form>
    </>
  )
}

const Icon = ({ phone }: { phone: boolean }) => (
  <svg viewBox="0 0 24 24" width="28" height="28" fill="none" stroke="currentColor" strokeWidth="1.6" strokeLinejoin="round" strokeLinecap="round" aria-hidden="true">
    {phone ? <><rect x="7" y="3" width="10" height="18" rx="2.2" /><path d="M11 18h2" /></> : <><rect x="3.5" y="5" width="17" height="11" rx="1.8" /><path d="M9 20h6M12 16v4" /></>}
  </svg>
)
