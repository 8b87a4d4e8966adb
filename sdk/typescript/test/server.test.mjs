// Pages that a server makes: each visitor is somebody else, whatever is cached, repeated or sent at once.
import assert from 'node:assert/strict'
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
