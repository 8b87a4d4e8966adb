// Pages that a server makes: each visitor is somebody else, whatever is cached, repeated or sent at once.
import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import http from 'node:http'
import { after, before, test } from 'node:test'
import { serverClient } from '../dist/server.js'
import { name, PASSWORD, Proxy, Server, sleep } from './rig.mjs'

let server
before(async () => { server = await Server.start({ YOOZAK_REFRESH_ROTATION: 'true', YOOZAK_ACCESS_LIFETIME: '6s', YOOZAK_REFRESH_HINT: '1s' }) })
after(() => server.stop())

// Browser keeps cookies as one does, and makes the requests that reach a shop's server.
class Browser {
  jar = new Map()
  constructor(host = 'shop.example') { this.host = host }
  request(headers = {}) {
    return new Request('http://inside/', { headers: { host: this.host, cookie: [...this.jar].map(p => p.join('=')).join('; '), ...headers } })
  }
  take(response) {
    for (const cookie of response.headers.getSetCookie()) {
      const [pair, ...attributes] = cookie.split('; ')
      const [name, value] = [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]
      assert.ok(attributes.includes('HttpOnly') && attributes.includes('Path=/') && attributes.includes('SameSite=Lax') && !/Domain/i.test(cookie), cookie)
      assert.equal(name.startsWith('__Host-'), attributes.includes('Secure'), cookie)
      if (attributes.includes('Max-Age=0')) this.jar.delete(name)
      else this.jar.set(name, value)
    }
    return response
  }
  // page is what the shop's server does with one request.
  async page(act, { headers, options } = {}) {
    const s = serverClient(this.request(headers), { url: this.url ?? server.url, ...options })
    const result = await act(s.client)
    return this.take(s.respond(Response.json(result)))
  }
}
async function visitor(host, url) {
  const b = new Browser(host)
  b.url = url
  b.user = await b.page(c => c.register({ username: name(), password: PASSWORD, first_name: 'أمينة' })).then(r => r.json())
  return b
}

test('fifty visitors at once each see their own name', async () => {
  const slow = await Server.start({ YOOZAK_REFRESH_ROTATION: 'true' }) // its tokens outlast a busy machine
  const people = await Promise.all(Array.from({ length: 50 }, () => visitor(undefined, slow.url)))
  await Promise.all(people.flatMap(b => Array.from({ length: 20 }, async () => {
    await sleep(Math.random() * 100)
    assert.equal((await b.page(c => c.me()).then(r => r.json())).username, b.user.username)
  })))
  await slow.stop()
})

// shopProcess is another process of the shop: see shop.mjs.
async function shopProcess(url) {
  const p = fork(new URL('shop.mjs', import.meta.url), [url], { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] })
  after(() => p.disconnect())
  return String(await new Promise(done => p.stdout.once('data', done))).trim()
}
const cookiesOf = b => [...b.jar].map(p => p.join('=')).join('; ')

test('twenty pages of six requests with the same dead cookie, to two processes: nobody is logged out, and the newest token stays', async () => {
  const calm = await Server.start({ YOOZAK_REFRESH_ROTATION: 'true' }) // its tokens outlast a busy machine
  const proxy = await Proxy.start(calm.url)
  const shops = await Promise.all([shopProcess(proxy.url), shopProcess(proxy.url)])
  const b = await visitor('127.0.0.1', proxy.url)
  const issued = token => JSON.parse(Buffer.from(token.split('.')[1], 'base64url')).iat
  for (let i = 0; i < 20; i++) {
    b.jar.set('yoozak_access', 'not.good.more')
    const before = b.jar.get('yoozak_refresh'), cookie = cookiesOf(b)
    proxy.reset()
    const answers = await Promise.all(Array.from({ length: 6 }, async (_, i) => {
      const a = await fetch(shops[i % 2] + '/page', { headers: { cookie } })
      b.take(a) // in the order in which they come
      return a.json()
    }))
    assert.deepEqual(new Set(answers.map(a => a.username)), new Set([b.user.username]), JSON.stringify(answers))
    assert.ok(proxy.refreshes === 2, `${proxy.refreshes} refreshes`) // one in each process
    assert.notEqual(b.jar.get('yoozak_refresh'), before)
    assert.ok(issued(b.jar.get('yoozak_refresh')) >= issued(before))
    const again = await fetch(shops[i % 2] + '/page', { headers: { cookie: cookiesOf(b) } })
    assert.deepEqual([again.headers.getSetCookie(), (await again.json()).username], [[], b.user.username]) // nothing has changed
    assert.equal(proxy.refreshes, 2)
  }
  proxy.close()
  await calm.stop()
})

// A cache that many people share, as a CDN is. It keeps what it is told that it may, by address and by what Vary names, cookies and all.
async function sharedCache(target) {
  const kept = []
  const server = http.createServer(async (req, res) => {
    const hit = kept.find(k => k.url === req.url && k.vary.every(([n, v]) => req.headers[n] === v))
    const a = hit ?? await fetch(target + req.url, { headers: new Headers(Object.entries(req.headers).filter(([n]) => n !== 'connection')) }).then(async r => ({
      url: req.url, headers: [...r.headers].filter(([n]) => n !== 'transfer-encoding').flat(), body: await r.text(), may: r.headers.get('cache-control'),
      vary: (r.headers.get('vary') ?? '').toLowerCase().split(/, */).filter(Boolean).map(n => [n, req.headers[n]]),
    }))
    if (!hit && /s-maxage|max-age/.test(a.may) && !/private|no-store/.test(a.may)) kept.push(a)
    res.writeHead(200, [...a.headers, 'X-Cache', hit ? 'hit' : 'miss']).end(a.body)
  })
  await new Promise(done => server.listen(0, '127.0.0.1', done))
  after(() => { server.closeAllConnections(); server.close() })
  return 'http://127.0.0.1:' + server.address().port
}

test('behind a shared cache nobody gets the page or the cookies of somebody else', async () => {
  const calm = await Server.start({ YOOZAK_REFRESH_ROTATION: 'true' })
  const cache = await sharedCache(await shopProcess(calm.url))
  const ask = (path, cookie) => fetch(cache + path, { headers: cookie ? { cookie } : {} })
  for (const want of ['miss', 'hit']) assert.equal((await ask('/open')).headers.get('x-cache'), want) // it does keep
  const [a, b] = [await visitor('127.0.0.1', calm.url), await visitor('127.0.0.1', calm.url)]
  a.jar.set('yoozak_access', 'not.good.more') // so that her page comes with new cookies
  const first = await ask('/page', cookiesOf(a))
  assert.equal((await first.json()).username, a.user.username)
  assert.equal(first.headers.getSetCookie().length, 2)
  for (const [who, cookie, want] of [['nobody', undefined, { code: 'logged_out' }], ['B', cookiesOf(b), { username: b.user.username }], ['nobody again', undefined, { code: 'logged_out' }]]) {
    const answer = await ask('/page', cookie)
    assert.deepEqual([await answer.json(), answer.headers.getSetCookie()], [want, []], who)
    assert.equal(answer.headers.get('cache-control'), 'private, no-store')
    assert.match(answer.headers.get('vary'), /Accept-Language, Cookie/)
  }
  await calm.stop()
})

test('what depended on a session is private, refreshed or not; without a change there is no Set-Cookie', async () => {
  const b = await visitor()
  const plain = await b.page(c => c.me())
  assert.equal(plain.headers.get('cache-control'), 'private, no-store')
  assert.deepEqual(plain.headers.getSetCookie(), [])
  await sleep(6100)
  const renewed = await b.page(c => c.me())
  assert.equal(renewed.headers.get('cache-control'), 'private, no-store')
  assert.equal(renewed.headers.getSetCookie().length, 2)
})

test('six requests of one page with the same dead cookie: one refresh, and the newest token stays', async () => {
  const proxy = await Proxy.start(server.url)
  const b = await visitor()
  b.url = proxy.url
  await sleep(6100)
  proxy.reset()
  const answers = await Promise.all(Array.from({ length: 6 }, () => b.page(c => c.me())))
  assert.equal(proxy.refreshes, 1)
  assert.ok(answers.every(a => a.status === 200))
  await sleep(6100)
  await b.page(c => c.me())
  assert.equal(proxy.refreshes, 2)
  proxy.close()
})

test('a prefetch and a page that cannot set cookies renew nothing', async () => {
  const proxy = await Proxy.start(server.url)
  const b = await visitor()
  b.url = proxy.url
  await sleep(6100)
  proxy.reset()
  for (const how of [{ headers: { 'sec-purpose': 'prefetch;prerender' } }, { headers: { 'next-router-prefetch': '1' } }, { options: { readOnly: true } }]) {
    await assert.rejects(b.page(c => c.me(), how), { status: 401 })
  }
  assert.equal(proxy.refreshes, 0)
  assert.equal((await b.page(c => c.me())).status, 200)
  proxy.close()
})

test('each name has cookies of its own', async () => {
  const b = new Browser(), names = ['staff', 'موظف', 'زبون', 'shop.fr', 'shop/fr'], users = []
  const as = (name, act) => b.page(act, { options: { name } }).then(r => r.json())
  for (const n of names) users.push((await as(n, c => c.register({ username: name(), password: PASSWORD }))).username)
  for (const [i, n] of names.entries()) assert.equal((await as(n, c => c.me())).username, users[i], n)
  assert.ok(b.jar.has('__Host-yoozak_staff_refresh')) // as before: nobody who has a plain name is logged out
})

test('logout removes what login set, on https and on localhost', async () => {
  for (const host of ['shop.example', 'localhost:3000', '127.0.0.1:3000']) {
    const b = await visitor(host)
    assert.deepEqual([...b.jar.keys()].map(n => n.replace('__Host-', '')).sort(), ['yoozak_access', 'yoozak_devices', 'yoozak_refresh'])
    await b.page(c => c.logout())
    assert.deepEqual([...b.jar.keys()].map(n => n.replace('__Host-', '')), ['yoozak_devices']) // the device stays known
    await assert.rejects(b.page(c => c.me()), { code: 'logged_out' })
    await b.page(c => c.login({ username: b.user.username, password: PASSWORD }))
    assert.equal((await b.page(c => c.me())).status, 200)
  }
})

test('a confirmation keeps the session, though cookies do not say who it is', async () => {
  const b = await visitor(), before = b.jar.get('__Host-yoozak_access')
  await b.page(c => c.confirm({ password: PASSWORD }).then(() => 'confirmed'))
  assert.notEqual(b.jar.get('__Host-yoozak_access'), before)
  assert.equal((await b.page(c => c.me())).status, 200)
})

test('a confirmation keeps its tokens beside other calls of the same request', async () => {
  const calm = await Server.start({ YOOZAK_REFRESH_ROTATION: 'true' })
  const acts = {
    'after the question who it is': async c => { await c.me(); await c.confirm({ password: PASSWORD }) },
    'at once with it': c => Promise.all([c.confirm({ password: PASSWORD }), c.me(), c.me()]),
    'twice at once': c => Promise.all([c.confirm({ password: PASSWORD }), c.confirm({ password: PASSWORD })]),
    'after a login': async (c, { username }) => { await c.login({ username, password: PASSWORD }); await c.confirm({ password: PASSWORD }) },
  }
  for (const [what, act] of Object.entries(acts)) {
    const b = await visitor(undefined, calm.url), told = []
    const note = async (...args) => {
      const answer = await fetch(...args)
      if (String(args[0]).endsWith('auth/confirm/')) told.push(await answer.clone().json())
      return answer
    }
    for (let i = 0; i < 2; i++) await b.page(c => act(c, b.user).then(() => what), { options: { fetch: note } })
    const kept = { access: b.jar.get('__Host-yoozak_access'), refresh: b.jar.get('__Host-yoozak_refresh') }
    assert.ok(told.slice(-2).some(t => t.access === kept.access && t.refresh === kept.refresh), what)
    assert.equal((await b.page(c => c.me())).status, 200, what)
  }
  await calm.stop()
})

test('who it is and why nobody is in stay for the whole request, though cookies do not say it', async () => {
  const b = await visitor()
  await b.page(async c => {
    await c.me()
    const state = c.state()
    await c.sessions()
    assert.deepEqual([c.state(), c.state().user.username], [state, b.user.username])
    await c.logout()
    await assert.rejects(c.me(), { code: 'logged_out' })
    assert.equal(c.state().reason, 'logout')
    return 'looked'
  })
})

test('behind a proxy that says localhost, cookies are for https alone', async () => {
  process.env.NODE_ENV = 'production'
  try {
    const b = await visitor('127.0.0.1:3000') // take looks that the prefix goes with Secure
    assert.deepEqual([...b.jar.keys()].filter(n => !n.startsWith('__Host-')), [])
    assert.equal((await b.page(c => c.me())).status, 200)
  } finally {
    delete process.env.NODE_ENV
  }
})

test('hostile cookies are nobody', async () => {
  for (const value of ['{"half', '__proto__', 'x'.repeat(8000), 'a.b', 'a.b.c.d', '%00', 'a.b.c; yoozak_refresh=d.e.f"', '""', 'a=b&c']) {
    const b = new Browser()
    for (const n of ['__Host-yoozak_access', '__Host-yoozak_refresh', '__Host-yoozak_devices', 'shop', '__proto__']) b.jar.set(n, value.replace(/[^\x20-\x7e]/g, ''))
    const s = serverClient(b.request(), { url: server.url })
    await assert.rejects(s.client.me(), e => e.code === 'logged_out' || e.status === 401, value)
    s.respond(new Response('ok'))
  }
})

test('tokens of every algorithm fit into their cookies, and a longer one is refused with a sentence', async () => {
  for (const alg of ['RS256', 'EdDSA', 'HS256']) {
    const other = await Server.start({ YOOZAK_JWT_ALGORITHM: alg, YOOZAK_JWT_SECRET: alg === 'HS256' ? 's'.repeat(40) : '' })
    const b = new Browser()
    b.url = other.url
    await b.page(c => c.register({ username: name(), password: PASSWORD, first_name: 'أ'.repeat(150) }))
    assert.equal((await b.page(c => c.me())).status, 200)
    await other.stop()
  }
  const long = await Proxy.start(server.url, () => ({ replace: { status: 200, body: { access: 'a.' + 'b'.repeat(4000) + '.c', refresh: 'a.b.c', user: {} } } }))
  const b = new Browser()
  b.url = long.url
  await assert.rejects(b.page(c => c.login({ username: 'a', password: 'b' })), e => e.code === 'storage' && /bytes/.test(e.message))
  long.close()
})

test('the visitor\'s language and address go on', async () => {
  const proxy = await Proxy.start(server.url)
  const b = await visitor()
  b.url = proxy.url
  await b.page(c => c.me(), { headers: { 'accept-language': 'ar-MA,ar;q=0.9' }, options: { address: '203.0.113.9' } })
  assert.deepEqual([proxy.seen[0].headers['accept-language'], proxy.seen[0].headers['x-forwarded-for']], ['ar-MA', '203.0.113.9'])
  proxy.close()
})
