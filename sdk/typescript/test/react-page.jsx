// A page that was made by a server which knows nobody, and is hydrated, one part of it later.
import { StrictMode, Suspense, createElement as h, lazy, useEffect, useState, version } from 'react'
import { createRoot, hydrateRoot } from 'react-dom/client'
import { createClient } from '../dist/index.js'
import { useAuth } from '../dist/react.js'

const url = new URLSearchParams(location.search).get('url')
const client = window.client = createClient({ url })
window.renders = 0
window.reactVersion = version

function Who({ what = '' }) {
  window.renders++
  const { status } = useAuth(client)
  if (status === 'out' && !window.leaving) window.flashed = window.flashed ?? (client.state().status === 'in' || undefined)
  return h('p', null, what + status)
}

function Verify() {
  const [done, setDone] = useState('…')
  useEffect(() => { client.verifyEmail('once').then(() => setDone('verified'), e => setDone(e.code)) }, [])
  return h('p', null, done)
}

const Late = lazy(() => new Promise(done => setTimeout(() => done({ default: () => h(Who, { what: 'late ' }) }), 300)))

hydrateRoot(document.getElementById('root'), h(Who))
const more = document.body.appendChild(document.createElement('div'))
createRoot(more).render(h(StrictMode, null, h(Verify), h(Suspense, { fallback: null }, h(Late))))

window.sameSnapshot = () => {
  const first = client.state()
  for (let i = 0; i < 1000; i++) if (client.state() !== first) return false
  return true
}
window.renew = async () => {
  for (const key of Object.keys(localStorage)) if (localStorage[key].startsWith('{')) localStorage[key] = JSON.stringify({ ...JSON.parse(localStorage[key]), access: 'not.good.more' })
  await client.me()
}
window.remount = async () => {
  window.leaving = true
  let page = 0, own = 0
  for (const target of [window, document]) {
    const [on, off] = [target.addEventListener, target.removeEventListener]
    target.addEventListener = (...a) => {
      page++
      a[2]?.signal?.addEventListener('abort', () => { page-- }) // the browser takes it away then
      on.apply(target, a)
    }
    target.removeEventListener = (...a) => { page--; off.apply(target, a) }
  }
  for (let i = 0; i < 10; i++) {
    const c = createClient({ url })
    const onChange = c.onChange
    c.onChange = f => { own++; const stop = onChange(f); return () => { own--; stop() } }
    const Probe = () => h('i', null, useAuth(c).status)
    const box = document.body.appendChild(document.createElement('div'))
    const root = createRoot(box)
    root.render(h(StrictMode, null, h(Probe)))
    await new Promise(done => setTimeout(done, 30))
    root.unmount()
    box.remove()
    c.dispose()
  }
  return [page, own]
}
