// The client in a real Chromium: tabs that share one session, and what browsers do to pages.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { accessSync, readFileSync } from 'node:fs'
import http from 'node:http'
import { after, before, describe, test } from 'node:test'
import { buildSync } from 'esbuild'
import { chromium } from 'playwright-core'
import { guide, isMe, isRefresh, LONG, name, PASSWORD, Proxy, Server, sleep, until } from './rig.mjs'

const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(path => {
  try { accessSync(path); return true } catch { return false }
})

const patience = 120_000 // a machine that runs everything at once is slow, and no test is about that
let browser, shop, server
const older = new URL('react-18/node_modules/', import.meta.url).pathname
const page = (body = '') => `<!doctype html><html lang="fr"><meta charset="utf-8"><title>shop</title><h1>shop</h1>${body}</html>`
const script = `<script type="module">
import * as sdk from '/dist/index.js'
window.sdk = sdk
window.heard = []
const q = new URLSearchParams(location.search)
if (q.get('url')) {
  window.asked = [] // status of each request for other tokens; 0: given up after five seconds
  window.client = sdk.createClient({ url: q.get('url'), timeout: +(q.get('timeout') ?? 90000), debug: e => { if (e.path.endsWith('/token/refresh/')) asked.push(e.status) } })
  client.onChange(s => heard.push({ status: s.status, reason: s.reason, persistent: s.persistent }))
}
</script>`

before(async () => {
  browser = await chromium.launch({
    executablePath, ignoreDefaultArgs: ['--disable-back-forward-cache'],
    args: ['--no-sandbox', '--host-resolver-rules=MAP shop.test 127.0.0.1,MAP other.test 127.0.0.1'],
  })
  const react = (alias = {}) => buildSync({ entryPoints: [new URL('react-page.jsx', import.meta.url).pathname], alias, bundle: true, write: false, format: 'esm', define: { 'process.env.NODE_ENV': '"development"' } }).outputFiles[0].text
  const reacts = { 19: react(), 18: react({ react: older + 'react', 'react-dom': older + 'react-dom' }) }
  shop = http.createServer((req, res) => {
    const path = new URL(req.url, 'http://x').pathname
    res.setHeader('Access-Control-Allow-Origin', '*') // modules of a sandboxed frame
    if (path.startsWith('/dist/')) return res.writeHead(200, { 'Content-Type': 'text/javascript' }).end(readFileSync(new URL('..' + path, import.meta.url)))
    const version = /^\/react(\d+)(\.js)?$/.exec(path)
    if (version?.[2]) return res.writeHead(200, { 'Content-Type': 'text/javascript' }).end(reacts[version[1]])
    if (version) return res.writeHead(200, { 'Content-Type': 'text/html' }).end(page(`<div id="root"><p>unknown</p></div><script type="module" src="${path}.js"></script>`))
    if (path === '/worker.js') return res.writeHead(200, { 'Content-Type': 'text/javascript' }).end(readFileSync(new URL('worker.js', import.meta.url)))
    if (path === '/frame') return res.writeHead(200, { 'Content-Type': 'text/html' }).end(page(`<iframe sandbox="allow-scripts" src="/?url=${encodeURIComponent(new URL(req.url, 'http://x').searchParams.get('url'))}"></iframe>`))
    res.writeHead(200, { 'Content-Type': 'text/html' }).end(page(script))
  })
  await new Promise(done => shop.listen(0, '127.0.0.1', done))
  shop.port = shop.address().port
  shop.url = 'http://127.0.0.1:' + shop.port
  server = await Server.start({ YOOZAK_REFRESH_ROTATION: 'true', YOOZAK_ACCESS_LIFETIME: '5m', YOOZAK_REFRESH_HINT: '1s', YOOZAK_CORS_ORIGINS: 'http://shop.test:' + shop.port, YOOZAK_PASSKEY_RP_ID: 'localhost', YOOZAK_PASSKEY_ORIGINS: 'http://localhost:' + shop.port })
})
after(async () => {
  await browser?.close()
  shop?.closeAllConnections()
  shop?.close()
  await server?.stop()
})

// person opens n tabs of one browser profile, logged in, behind a proxy of their own.
async function person(n, { fault, init, origin = shop.url, target = server.url, timeout } = {}) {
  const proxy = await Proxy.start(target, fault)
  const context = await browser.newContext()
  context.setDefaultTimeout(patience)
  if (init) await context.addInitScript(init)
  after(async () => { await context.close(); proxy.close() })
  const tabs = []
  const address = origin + '/?url=' + encodeURIComponent(proxy.url) + (timeout ? '&timeout=' + timeout : '')
  for (let i = 0; i < n; i++) {
    const tab = await context.newPage()
    await tab.goto(address)
    await tab.waitForFunction(() => window.client)
    tabs.push(tab)
  }
  const username = name()
  await tabs[0].evaluate(([username, password]) => client.register({ username, password, email: username + '@example.ma' }), [username, PASSWORD])
  for (const tab of tabs) await tab.evaluate(() => client.me())
  proxy.reset()
  await asked(tabs)
  return { proxy, context, tabs, tab: tabs[0], address, username }
}
const spoil = tab => tab.evaluate(() => {
  for (const key of Object.keys(localStorage)) if (localStorage[key].startsWith('{')) localStorage[key] = JSON.stringify({ ...JSON.parse(localStorage[key]), access: 'not.good.more' })
})
// end makes the page believe that its token is over, as its clock would say an hour later.
const end = tab => tab.evaluate(() => {
  for (const key of Object.keys(localStorage)) if (localStorage[key].startsWith('{')) localStorage[key] = JSON.stringify({ ...JSON.parse(localStorage[key]), skew: 3600_000 })
})
const stored = tab => tab.evaluate(() => Object.keys(localStorage).filter(k => localStorage[k].startsWith('{')).map(k => JSON.parse(localStorage[k]))[0])
// burst makes calls in a tab and returns how many were answered.
const burst = (tab, n) => tab.evaluate(n => Promise.all(Array.from({ length: n }, () => client.me().then(u => u.username, e => 'failed: ' + e.code))), n)
// asked are all tabs' requests for other tokens. On a busy machine one waits behind the page's own calls for more than the five
// seconds that it has, and is repeated, with the same token: two requests are then one refresh.
const asked = async tabs => (await Promise.all(tabs.map(tab => tab.evaluate(() => asked.splice(0))))).flat()
async function refreshed(proxy, tabs, most, least = 1) {
  const all = await asked(tabs), givenUp = all.filter(status => status === 0).length, answered = all.length - givenUp
  assert.ok(answered >= 1 && answered <= most, all.join())
  assert.ok(proxy.refreshes >= least && proxy.refreshes <= most + givenUp, `${proxy.refreshes} refreshes, ${givenUp} given up`)
}
const good = (results, username) => assert.deepEqual([...new Set(results.flat())], [username])

for (const rotation of ['true', 'false']) {
  describe('three tabs, rotation ' + rotation, () => {
    let own
    before(async () => { own = await Server.start({ YOOZAK_REFRESH_ROTATION: rotation, YOOZAK_ACCESS_LIFETIME: '5m', YOOZAK_REFRESH_HINT: '1s' }) })
    after(() => own.stop())
    const rounds = LONG ? 10 : 1

    test('150 calls with a token that has ended: one refresh', async () => {
      for (let i = 0; i < rounds; i++) {
        const { proxy, tabs, username } = await person(3, { target: own.url })
        await end(tabs[0])
        good(await Promise.all(tabs.map(tab => burst(tab, 50))), username)
        await refreshed(proxy, tabs, 1)
        assert.equal(proxy.seen.filter(r => r.status === 401).length, 0)
      }
    })

    test('a token that has really ended', async () => {
      const short = await Server.start({ YOOZAK_REFRESH_ROTATION: rotation, YOOZAK_ACCESS_LIFETIME: '8s', YOOZAK_REFRESH_HINT: '1s' })
      const { proxy, tabs, username } = await person(3, { target: short.url })
      await sleep(8100)
      const began = Date.now()
      good(await Promise.all(tabs.map(tab => burst(tab, 10))), username)
      assert.ok(proxy.refreshes >= 1 && proxy.refreshes <= 2 + (Date.now() - began) / 7000, `${proxy.refreshes} refreshes`)
      await short.stop()
    })

    test('150 calls with a token that is refused, answers that are late: one refresh', async () => {
      let i = 0
      const { proxy, tabs, username } = await person(3, { target: own.url, fault: r => isRefresh(r) ? { late: 300 } : isMe(r) && { late: i++ * 37 % 100 } })
      await spoil(tabs[0])
      good(await Promise.all(tabs.map(tab => burst(tab, 50))), username)
      await refreshed(proxy, tabs, 1)
    })

    test('answers to refreshes that are lost: nobody is logged out', async () => {
      for (const fault of [{ swallow: true }, { refuse: true }, { late: 5500 }]) {
        let times = 1
        const { proxy, tabs, username } = await person(3, { target: own.url, fault: r => isRefresh(r) && times-- > 0 && fault })
        await spoil(tabs[0])
        good(await Promise.all(tabs.map(tab => burst(tab, 50))), username)
        // The one that was lost and one more; on a slow machine a tab that has waited for it as long as a tab may asks by itself.
        await refreshed(proxy, tabs, tabs.length, 2)
      }
    })
  })
}

for (const [what, init] of Object.entries({
  'no locks': () => { Object.defineProperty(Navigator.prototype, 'locks', { value: undefined }) },
  'locks that throw': () => { LockManager.prototype.request = () => { throw new DOMException('no', 'SecurityError') } },
  'no locks, no events': () => {
    Object.defineProperty(Navigator.prototype, 'locks', { value: undefined })
    delete window.BroadcastChannel
    const on = window.addEventListener
    window.addEventListener = (type, ...rest) => type !== 'storage' && on.call(window, type, ...rest)
  },
})) {
  test(what + ': no logout, at most three refreshes', async () => {
    const { proxy, tabs, username } = await person(3, { init })
    for (let round = 0; round < (LONG ? 5 : 2); round++) {
      proxy.reset()
      await spoil(tabs[0])
      good(await Promise.all(tabs.map(tab => burst(tab, 50))), username)
      await refreshed(proxy, tabs, 3)
    }
  })
}

test('the tab that has the lease is killed in the middle: the others go on', async () => {
  let hole = true
  const { proxy, tabs, username } = await person(3, { init: () => { Object.defineProperty(Navigator.prototype, 'locks', { value: undefined }) }, fault: r => isRefresh(r) && hole && { hole: true } })
  await spoil(tabs[0])
  tabs[0].evaluate(() => { client.me() })
  await until('it asks', () => proxy.refreshes > 0)
  hole = false
  await tabs[0].close()
  good(await Promise.all(tabs.slice(1).map(tab => burst(tab, 10))), username)
})

test('a page without a secure context', async () => {
  const { proxy, tabs, username } = await person(3, { origin: 'http://shop.test:' + shop.port })
  assert.equal(await tabs[0].evaluate(() => window.isSecureContext || !!navigator.locks), false)
  await spoil(tabs[0])
  good(await Promise.all(tabs.map(tab => burst(tab, 50))), username)
  await refreshed(proxy, tabs, 3)
})

test('asleep: no timer, and five calls', async () => {
  const { proxy, tab, username } = await person(1, { init: () => { const t = window.setTimeout; window.setTimeout = (f, ms, ...rest) => ms > 1000 ? 0 : t(f, ms, ...rest) } })
  await end(tab)
  await tab.evaluate(() => document.dispatchEvent(new Event('visibilitychange')))
  good(await burst(tab, 5), username)
  assert.equal(proxy.refreshes, 1)
  assert.equal(proxy.seen.filter(r => r.status === 401).length, 0)
})

test('Back after logging out: the page is told before it asks', async () => {
  const { proxy, tab, address } = await person(1)
  await tab.evaluate(() => { addEventListener('pageshow', e => { window.shown = e.persisted }) })
  await tab.goto(address + '&other')
  await tab.waitForFunction(() => window.client)
  await tab.evaluate(() => client.logout())
  proxy.reset()
  await tab.goBack({ waitUntil: 'commit' })
  await tab.waitForFunction(() => window.shown !== undefined)
  assert.equal(await tab.evaluate(() => window.shown), true) // it could be kept: nothing of ours forbids it
  await tab.waitForFunction(() => heard.length > 0)
  assert.deepEqual(await tab.evaluate(() => [client.state().status, client.state().reason]), ['out', 'logout'])
  assert.equal(await tab.evaluate(() => client.me().catch(e => e.code)), 'logged_out')
  assert.equal(proxy.seen.length, 0)
})

test('reloaded, or closed, in the middle of a refresh', async () => {
  for (let i = 0; i < (LONG ? 20 : 2); i++) {
    const { tab, context, address, username } = await person(1, { fault: r => isRefresh(r) && { late: 1000 } })
    await spoil(tab)
    tab.evaluate(() => { client.me() }).catch(() => {})
    await sleep(500)
    let next = tab
    if (i % 2) {
      await tab.close()
      next = await context.newPage()
      await next.goto(address)
    } else await tab.reload()
    await next.waitForFunction(() => window.client)
    good(await burst(next, 3), username)
    await sleep(1500)
    good(await burst(next, 3), username)
    assert.equal((await stored(next)).busy, undefined)
  }
})

test('offline, and back', async () => {
  const { proxy, context, tab, username } = await person(1)
  await end(tab)
  await context.setOffline(true)
  assert.deepEqual([...new Set(await burst(tab, 20))], ['failed: network'])
  assert.equal(await tab.evaluate(() => client.state().status), 'in')
  proxy.reset()
  await context.setOffline(false)
  await until('it renews by itself', () => proxy.refreshes === 1, 5000)
  good(await burst(tab, 5), username)
})

test('storage that is cleared under an open tab, and a logout in another', async () => {
  const { tabs: [a, b] } = await person(2)
  await b.evaluate(() => localStorage.clear())
  await a.waitForFunction(() => client.state().reason === 'lost')
  assert.equal(await a.evaluate(() => client.me().then(() => client.state().status)), 'in')
  const { tabs: [c, d] } = await person(2)
  await d.evaluate(() => client.logout())
  await c.waitForFunction(() => client.state().status === 'out')
  assert.equal(await c.evaluate(() => client.state().reason), 'logout')
  assert.equal((await stored(c)).refresh, undefined)
})

test('a sandboxed frame, where touching localStorage throws', async () => {
  const context = await browser.newContext()
  context.setDefaultTimeout(patience)
  const tab = await context.newPage()
  const any = await Server.start({ YOOZAK_CORS_ORIGINS: '*' })
  await tab.goto(shop.url + '/frame?url=' + encodeURIComponent(any.url))
  await until('the frame is there', () => tab.frames().length === 2)
  const frame = tab.frames()[1]
  await frame.waitForFunction(() => window.client)
  const username = name()
  assert.equal(await frame.evaluate(([username, password]) => client.register({ username, password }).then(() => client.me()).then(u => u.username), [username, PASSWORD]), username)
  assert.equal(await frame.evaluate(() => client.state().persistent), false)
  await context.close()
  await any.stop()
})

test('every call passes the preflight; a page that is not allowed gets a network error that names CORS', async () => {
  const { tab } = await person(1)
  const calls = await tab.evaluate(async () => {
    const c = client, out = {}
    for (const [what, act] of Object.entries({
      me: () => c.me(), updateMe: () => c.updateMe({ first_name: 'A' }), sessions: () => c.sessions(), events: () => c.events({ before: 1 }), security: () => c.security(), export: () => c.export(),
      endSession: () => c.endSession('x'), changePassword: () => c.changePassword({ current_password: 'x', new_password: 'y' }), requestReset: () => c.requestReset({ email: 'a@example.ma' }),
      resetPassword: () => c.resetPassword({ token: 'x', new_password: 'y' }), verifyEmail: () => c.verifyEmail('x'), resendVerification: () => c.resendVerification(),
      changeEmail: () => c.changeEmail({ password: 'x', email: 'b@example.ma' }), confirmEmail: () => c.confirmEmail('x'), undoEmail: () => c.undoEmail('x'),
      register: () => c.register({ username: 'a b', password: 'x' }), login: () => c.login({ username: 'a', password: 'x' }), close: () => c.close('wrong'), logoutAll: () => c.logoutAll(),
    })) out[what] = await act().then(() => 200, e => e.status)
    return out
  })
  assert.deepEqual(Object.entries(calls).filter(([, status]) => !status), [])
  const { tab: foreign, proxy } = await person(1)
  await foreign.goto('http://other.test:' + shop.port + '/?url=' + encodeURIComponent(proxy.url))
  await foreign.waitForFunction(() => window.client)
  const e = await foreign.evaluate(() => client.login({ username: 'a', password: 'b' }).catch(e => ({ code: e.code, message: e.message })))
  assert.equal(e.code, 'network')
  assert.match(e.message, /YOOZAK_CORS_ORIGINS/)
})

test('a page and a service worker with one IndexedDB store: one refresh', async () => {
  const { proxy, context, tab, username } = await person(1)
  await tab.evaluate(url => {
    window.idb = () => import('/worker.js?module').then(m => m.idbStore ?? window.idbStore)
    return navigator.serviceWorker.register('/worker.js', { type: 'module' }).then(() => navigator.serviceWorker.ready)
  })
  const ask = message => tab.evaluate(message => new Promise(done => {
    const c = new MessageChannel()
    c.port1.onmessage = e => done(e.data)
    navigator.serviceWorker.ready.then(r => r.active.postMessage(message, [c.port2]))
  }), message)
  assert.equal(await ask({ url: proxy.url, username, password: PASSWORD }), username) // the worker logs in
  await tab.evaluate(async url => {
    const { idbStore } = await import('/worker.js')
    window.shared = sdk.createClient({ url, store: idbStore() })
  }, proxy.url)
  assert.equal(await tab.evaluate(() => shared.me().then(u => u.username)), username)
  await tab.evaluate(async () => {
    const { idbStore } = await import('/worker.js')
    const store = idbStore(), key = Object.keys(localStorage).find(k => localStorage[k].startsWith('{'))
    await store.set(key, JSON.stringify({ ...JSON.parse(await store.get(key)), access: 'not.good.more' }))
  })
  proxy.reset()
  const [here, there] = await Promise.all([tab.evaluate(() => Promise.all(Array.from({ length: 20 }, () => shared.me().then(u => u.username)))), ask({ url: proxy.url, calls: 20 })])
  good([here, there], username)
  assert.equal(proxy.refreshes, 1)
  await context.close()
})

test('in a page: the body after a 401 is the first one, and no other origin is shown the token', async () => {
  const seen = []
  const api = http.createServer(async (req, res) => { // the shop's own service
    const hash = createHash('sha256')
    for await (const part of req) hash.update(part)
    res.setHeader('Access-Control-Allow-Origin', '*').setHeader('Access-Control-Allow-Headers', 'Authorization, Content-Type')
    if (req.method === 'OPTIONS') return res.writeHead(204).end()
    seen.push({ url: req.url, sum: hash.digest('hex'), type: req.headers['content-type'], token: !!req.headers.authorization })
    res.writeHead(req.url !== '/public' && seen.length % 2 ? 401 : 200).end()
  })
  await new Promise(done => api.listen(0, '127.0.0.1', done))
  after(() => { api.closeAllConnections(); api.close() })
  const origin = 'http://127.0.0.1:' + api.address().port
  const { proxy, tab } = await person(1)
  const statuses = await tab.evaluate(async ([url, origin]) => {
    const own = sdk.createClient({ url, origins: [origin] })
    const form = new FormData()
    form.append('photo', new Blob(['x'.repeat(50_000)]), 'photo.png')
    const all = []
    for (const body of ['héllo'.repeat(1000), new URLSearchParams({ a: 'é' }), new Blob(['z'.repeat(9000)]), form]) {
      all.push((await own.fetch(origin + '/in', { method: 'POST', body })).status)
      all.push((await own.fetch(new Request(origin + '/in', { method: 'POST', body }))).status)
    }
    for (const to of [origin + '/public', origin.replace('http:', '') + '/public']) all.push((await client.fetch(to)).status) // one that does not name it
    return all
  }, [proxy.url, origin])
  assert.deepEqual([...new Set(statuses)], [200])
  const [inside, outside] = [seen.filter(s => s.url === '/in'), seen.filter(s => s.url === '/public')]
  assert.deepEqual([inside.length, outside.length], [16, 2])
  for (let i = 0; i < 16; i += 2) {
    const [first, second] = inside.slice(i, i + 2)
    assert.ok(first.token && second.token)
    if (!/multipart/.test(first.type)) assert.deepEqual(second, first) // a form gets another boundary, which its header names
    else assert.notEqual(second.sum, createHash('sha256').digest('hex'))
  }
  assert.ok(outside.every(s => !s.token))
})

test('a thousand clients that were made and disposed of leave nothing', async () => {
  const { context, tab } = await person(1)
  const cdp = await context.newCDPSession(tab)
  const listeners = async () => {
    const all = {}
    for (const expression of ['window', 'document']) {
      const { result } = await cdp.send('Runtime.evaluate', { expression })
      for (const l of (await cdp.send('DOMDebugger.getEventListeners', { objectId: result.objectId })).listeners) all[expression + ' ' + l.type] = (all[expression + ' ' + l.type] ?? 0) + 1
    }
    return all
  }
  const before = await listeners()
  assert.ok(before['window storage'] >= 1 && before['document visibilitychange'] >= 1) // those of the page's own client
  await tab.evaluate(async () => {
    window.gone = []
    for (let i = 0; i < 1000; i++) {
      const c = sdk.createClient({ url: location.origin, name: 'c' + i })
      c.onChange(() => { window.told = true })
      if (i % 100 === 0) await c.me().catch(() => {})
      c.dispose()
      gone.push(new WeakRef(c))
    }
    localStorage.setItem('yoozak', '{}')
    dispatchEvent(new StorageEvent('storage', { key: null }))
  })
  assert.deepEqual(await listeners(), before)
  await cdp.send('HeapProfiler.collectGarbage')
  const alive = await tab.evaluate(() => gone.filter(c => c.deref()).length)
  assert.ok(alive <= 5, `${alive} of 1,000 are still there`)
  assert.equal(await tab.evaluate(() => window.told), undefined) // one that is disposed of answers no event
})

for (const version of ['19', '18']) test(`React ${version}: StrictMode, remounts, hydration`, async () => {
  const { proxy, context } = await person(1, { fault: r => r.path.includes('email/verify/') && { replace: { status: 204, body: '' } } })
  const tab = await context.newPage()
  const said = []
  tab.on('console', m => ['warning', 'error'].includes(m.type()) && !/React DevTools|favicon|Failed to load resource/.test(m.text()) && said.push(m.text()))
  tab.on('pageerror', e => said.push(String(e)))
  await tab.goto(`${shop.url}/react${version}?url=${encodeURIComponent(proxy.url)}`)
  assert.match(await tab.evaluate(() => window.reactVersion), new RegExp('^' + version))
  await tab.waitForFunction(() => document.body.innerText.includes('late in'))
  assert.equal(await tab.evaluate(() => window.flashed), undefined) // no login form for whoever is in
  await tab.waitForFunction(() => document.body.innerText.includes('verified'))
  assert.equal(proxy.count('email/verify/'), 1) // an effect that ran twice
  assert.equal(await tab.evaluate(() => window.sameSnapshot()), true)
  const before = await tab.evaluate(() => window.renders)
  await tab.evaluate(() => window.renew())
  assert.equal(await tab.evaluate(() => window.renders), before) // a new token renders nobody
  await tab.evaluate(() => window.client.logout())
  await tab.waitForFunction(() => document.body.innerText.includes('late out'))
  assert.ok(await tab.evaluate(() => window.renders) - before <= 4 * 2)
  assert.deepEqual(await tab.evaluate(() => window.remount()), [0, 0]) // listeners of the page and of the client that stay
  assert.deepEqual(said, [])
})

test('a passkey: made, then a login without a name, a second step and a confirmation', async () => {
  const context = await browser.newContext()
  context.setDefaultTimeout(patience)
  after(() => context.close())
  const tab = await context.newPage()
  const cdp = await context.newCDPSession(tab)
  await cdp.send('WebAuthn.enable')
  await cdp.send('WebAuthn.addVirtualAuthenticator', {
    options: { protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
  })
  await tab.goto(`http://localhost:${shop.port}/?url=${server.url}`)
  const username = name()
  const code = guide('factors', 'passkeys').replace('@yoozak/clients/factors', `http://localhost:${shop.port}/dist/factors.js`) // as it stands in docs/factors.md
  const got = await tab.evaluate(async ({ username, password, code }) => {
    const { factorsOf } = await import('/dist/factors.js')
    const passkeys = await import(URL.createObjectURL(new Blob([code], { type: 'text/javascript' }))), factors = factorsOf(client)
    if (!passkeys.isOffered(client)) return 'no passkeys here'
    await client.register({ username, password })
    const added = await passkeys.add(client)
    await client.logout()
    const byKey = await passkeys.logIn(client)
    await client.logout()
    const waits = await client.login({ username, password }).catch(e => e)
    const second = await passkeys.second(client, waits.challenge)
    await passkeys.confirm(client)
    const { factors: [factor] } = await factors.list()
    await factors.remove(factor.id)
    await client.logout()
    const cancelled = await passkeys.logIn(client).then(() => 'in', e => e.code)
    return [added.recovery_codes.length, byKey.username, waits.methods, second.username, factor.kind, factor.name, cancelled]
  }, { username, password: PASSWORD, code })
  assert.deepEqual(got, [10, username, ['passkey', 'recovery_code'], username, 'passkey', 'My phone', 'passkey_refused'])
})
