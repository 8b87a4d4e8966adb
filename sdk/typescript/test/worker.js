// The store of the guide for pages and workers, and a service worker that uses it.
import { createClient } from '/dist/index.js'

export function idbStore(name = 'session') {
  const open = () => new Promise((done, failed) => {
    const r = indexedDB.open(name, 1)
    r.onupgradeneeded = () => r.result.createObjectStore('texts')
    r.onsuccess = () => done(r.result)
    r.onerror = () => failed(r.error)
  })
  const run = async (mode, act) => {
    const db = await open()
    try {
      return await new Promise((done, failed) => {
        const t = db.transaction('texts', mode)
        const r = act(t.objectStore('texts'))
        t.oncomplete = () => done(r.result)
        t.onerror = t.onabort = () => failed(t.error)
      })
    } finally {
      db.close()
    }
  }
  return { get: key => run('readonly', s => s.get(key)), set: (key, value) => run('readwrite', s => s.put(value, key)) }
}

if (typeof ServiceWorkerGlobalScope !== 'undefined') {
  self.addEventListener('message', e => {
    const { url, username, password, calls = 1 } = e.data
    const client = createClient({ url, store: idbStore() }) // a new one each time: as if the worker had been stopped
    e.waitUntil((async () => {
      if (username) await client.login({ username, password })
      const names = await Promise.all(Array.from({ length: calls }, () => client.me().then(u => u.username, e => e.code)))
      e.ports[0].postMessage([...new Set(names)].join())
    })())
  })
}
