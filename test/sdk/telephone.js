// What React Native gives a page, as far as the client uses it, in Hermes alone: fetch answers with what a server answered before.
/* global ANSWERS, print */
globalThis.window = globalThis // which has no addEventListener on a telephone

// Hermes alone calls every timer at once, in the order in which they were set. Here the next one is that which is due first.
const later = setTimeout, timers = []
let clock = 0, ids = 0
globalThis.setTimeout = (run, ms = 0) => {
  timers.push({ id: ++ids, at: clock + ms, run })
  later(() => {
    const first = timers.sort((a, b) => a.at - b.at || a.id - b.id).shift()
    if (!first) return
    clock = first.at
    first.run()
  }, 0)
  return ids
}
globalThis.clearTimeout = id => {
  const at = timers.findIndex(t => t.id === id)
  if (at >= 0) timers.splice(at, 1)
}

globalThis.console = { error: print, log: print }
globalThis.Headers = class Headers {
  constructor(init) {
    this.all = {}
    for (const [name, value] of Array.isArray(init) ? init : Object.entries(init instanceof Headers ? init.all : init ?? {})) this.set(name, value)
  }
  get(name) { return this.all[name.toLowerCase()] ?? null }
  set(name, value) { this.all[name.toLowerCase()] = value }
}
globalThis.AbortController = class AbortController {
  constructor() {
    this.signal = { aborted: false, heard: [], addEventListener(_, f) { this.heard.push(f) }, removeEventListener() {} } // without a reason
  }
  abort() {
    this.signal.aborted = true
    for (const f of this.signal.heard) f()
  }
}
let next = 0
globalThis.fetch = async (url, { method = 'GET', headers, signal, body }) => {
  const a = ANSWERS[next++]
  const asked = [method, url, !!new Headers(headers).get('Authorization'), typeof body === 'string'].join()
  if (!a || asked !== a.asked) throw new Error('asked ' + asked + ', not ' + a?.asked)
  if (signal.aborted) throw new Error('aborted')
  return { ok: a.status < 300, status: a.status, headers: new Headers(a.headers), text: async () => a.body } // and no body to cancel
}
