// Errors, time limits, repetitions, and whom the token is shown to.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import http from 'node:http'
import { after, before, describe, test } from 'node:test'
import { inspect } from 'node:util'
import { createClient, isYoozakError, YoozakError } from '../dist/index.js'
import { errorOf, retryAfter } from '../dist/errors.js'
import { isMe, isRefresh, LONG, name, PASSWORD, Proxy, Server, sharedStore, sleep, until } from './rig.mjs'

let server
before(async () => { server = await Server.start() })
after(() => server.stop())

async function setup(fault, options = {}) {
  const proxy = await Proxy.start(server.url, fault)
  after(() => proxy.close())
  const store = sharedStore()
  const client = createClient({ url: proxy.url, store, ...options })
  const username = name()
  const user = await client.register({ username, password: PASSWORD, email: username + '@example.ma', first_name: 'Amina' }, { timeout: 60_000 }) // whatever the test wants
  proxy.reset()
  return { proxy, store, client, user }
}
const spoil = store => { for (const [key, text] of store.held) if (text.startsWith('{')) store.held.set(key, JSON.stringify({ ...JSON.parse(text), access: 'not.good.more' })) }

test('Retry-After', () => {
  const now = Date.UTC(2026, 10, 25, 12, 0, 0)
  for (const [text, want] of [
    ['3', 3], ['0', 0], [' 3 ', 3], ['Wed, 25 Nov 2026 12:00:05 GMT', 5], ['Wed, 25 Nov 2026 11:00:00 GMT', 0], ['-3', undefined], ['1.5', undefined],
    ['1000abc', undefined], ['soon', undefined], ['', undefined], [null, undefined], ['86400', 86400],
  ]) assert.equal(retryAfter(text, now), want, String(text))
})

test('a login that has to wait is told how long, and not repeated', async () => {
  const { proxy, client } = await setup(r => r.path.includes('login') && { replace: { status: 429, headers: { 'Retry-After': '480' }, body: { detail: 'Trop' } } })
  await assert.rejects(client.login({ username: 'a', password: 'b' }), { status: 429, retryAfter: 480, code: 'throttled', message: 'Trop' })
  assert.equal(proxy.seen.length, 1)
})

test('a GET is repeated when it may help, and not for longer than a person waits', async () => {
  for (const [retry, requests] of [['0', 2], ['1', 2], ['86400', 1]]) {
    let times = 1
    const { proxy, client } = await setup(r => isMe(r) && times-- > 0 && { replace: { status: 503, headers: { 'Retry-After': retry } } })
    await client.me().catch(e => assert.equal(e.retryAfter, 86400))
    assert.equal(proxy.seen.length, requests, retry)
  }
  const { proxy, client } = await setup(r => isMe(r) && { replace: { status: 503, headers: { 'Retry-After': '5' } } })
  const stop = new AbortController()
  setTimeout(() => stop.abort(), 200)
  const began = Date.now()
  await assert.rejects(client.me({ signal: stop.signal }), { code: 'aborted' })
  assert.ok(Date.now() - began < 1500)
  await sleep(100)
  assert.equal(proxy.seen.length, 1)
})

test('a Retry-After has a ceiling, whatever a proxy names', async () => {
  const minute = { timeout: 3600_000 } // the time of the call does not decide
  for (const [named, options] of [['61', minute], ['1', { ...minute, longestWait: 500 }]]) {
    const { proxy, client } = await setup(r => isMe(r) && { replace: { status: 503, headers: { 'Retry-After': named } } }, options)
    await assert.rejects(client.me(), { status: 503, retryAfter: +named })
    assert.equal(proxy.seen.length, 1)
  }
})

test('a proxy that names a day for a renewal is asked again after the ceiling; meanwhile calls are told what is left', async () => {
  const clock = Date.now() + 2 * 3600_000 // the proxy's
  const dates = { Date: new Date(clock).toUTCString(), 'Retry-After': new Date(clock + 86400_000).toUTCString() }
  await Promise.all([{ 'Retry-After': '86400' }, dates].map(async headers => {
    let times = 0
    const { proxy, client, store } = await setup(r => isRefresh(r) && times-- > 0 && { replace: { status: 503, headers } }, { longestWait: 1000 })
    times = 1
    spoil(store)
    const began = Date.now()
    const told = []
    await until('it is asked again', () => client.me().then(() => true, e => { told.push(e.retryAfter); return false }))
    assert.ok(Date.now() - began >= 6000) // and not before
    assert.equal(proxy.refreshes, 2)
    assert.ok(told[0] === 86400 && told.at(-1) < 86400 && told.at(-1) > 86300, told.join())
  }))
})

test('a clock that is set back during such a pause does not make it a day long', async () => {
  let times = 0
  const { proxy, client, store } = await setup(r => isRefresh(r) && times-- > 0 && { replace: { status: 429, headers: { 'Retry-After': '30' } } })
  times = 1
  spoil(store)
  await assert.rejects(client.me(), { status: 429, retryAfter: 30 })
  const { now } = Date
  Date.now = () => now() - 86400_000
  try {
    assert.equal((await client.me()).first_name, 'Amina')
  } finally {
    Date.now = now
  }
  assert.equal(proxy.refreshes, 2)
})

test('a POST whose answer was lost happens once, and says that its outcome is unknown', async () => {
  const { proxy: first, client } = await setup(r => r.path.includes('password/change') && { swallow: true })
  await assert.rejects(client.changePassword({ current_password: PASSWORD, new_password: 'Olive-Tagine-77-moon' }), { code: 'network', unknownOutcome: true, method: 'POST', path: 'auth/password/change/' })
  assert.equal(first.count('password/change'), 1)
  await client.login({ username: client.state().user.username, password: 'Olive-Tagine-77-moon' }) // it was done
  let lose = false
  const { proxy } = await setup(r => r.path.includes('register') && lose && { swallow: true })
  lose = true
  const other = createClient({ url: proxy.url, store: sharedStore() })
  await assert.rejects(other.register({ username: name(), password: PASSWORD }), { code: 'network', unknownOutcome: true })
  assert.equal(proxy.count('register'), 1)
})

test('connections that the server closes between two calls reach nobody', async () => {
  const { proxy, client } = await setup()
  for (let i = 0; i < (LONG ? 200 : 60); i++) {
    await client.me()
    proxy.server.closeIdleConnections()
  }
})

test('three codes: timeout, aborted, network', async () => {
  const { client, proxy } = await setup(r => isMe(r) && { hole: true }, { timeout: 2000 })
  await assert.rejects(client.me({ timeout: 300 }), { code: 'timeout', status: 0, retryable: true })
  await assert.rejects(client.me({ signal: AbortSignal.abort() }), { code: 'aborted', retryable: false })
  const stop = new AbortController()
  setTimeout(() => stop.abort(), 50)
  await assert.rejects(client.fetch(proxy.url + '/api/clients/clients/me/', { signal: stop.signal }), { code: 'aborted' })
  await assert.rejects(createClient({ url: 'http://127.0.0.1:9', store: sharedStore() }).login({ username: 'a', password: 'b' }), { code: 'network' })
})

test('six shapes of errors, and those of proxies, are one class', async () => {
  let answer
  const { client } = await setup(r => !isRefresh(r) && answer && { replace: answer })
  const html = '<html>413</html>'
  for (const [status, body, headers, want] of [
    [400, { username: ['pris'], password: ['court', 'courant'] }, {}, { code: 'invalid', fields: { username: ['pris'], password: ['court', 'courant'] }, message: 'pris' }],
    [400, { username: ['pris'], password: ['court'] }, { 'X-Error-Code': 'username=taken, password=too_short' }, { code: 'taken', codes: { username: ['taken'], password: ['too_short'] } }],
    [400, { password: ['a', 'b'] }, { 'X-Error-Code': 'password=too_short, password=too_common' }, { codes: { password: ['too_short', 'too_common'] } }],
    [400, { non_field_errors: ['rien'] }, {}, { fields: { non_field_errors: ['rien'] }, message: 'rien' }],
    [400, { username: ['x'], non_field_errors: ['y'] }, {}, { fields: { username: ['x'], non_field_errors: ['y'] } }],
    [400, { detail: 'JSON parse error' }, { 'X-Error-Code': 'unreadable' }, { code: 'unreadable', message: 'JSON parse error', fields: {} }],
    [401, { detail: 'non', code: 'user_inactive' }, {}, { code: 'user_inactive' }],
    [401, { detail: 'non', code: 'token_not_valid', messages: [{ token_type: 'access' }] }, {}, { code: 'token_not_valid', fields: {} }],
    [401, { error: 'invalid_client', detail: 'x' }, {}, { code: 'invalid_client', message: 'x' }],
    [401, { detail: 'x', code: 'of_tomorrow' }, {}, { code: 'of_tomorrow' }],
    [404, {}, {}, { code: 'invalid' }], [405, { detail: 'x' }, {}, { code: 'invalid' }],
    [413, html, { 'Content-Type': 'text/html' }, { code: 'invalid', message: 'HTTP 413' }],
    [429, '', {}, { code: 'throttled', retryable: true }], [500, html, {}, { code: 'unavailable', retryable: true }], [502, '', {}, { code: 'unavailable' }],
    [503, { detail: 'x' }, { 'Retry-After': '40' }, { code: 'unavailable', retryAfter: 40 }], [400, '[1]', {}, { code: 'invalid', fields: {} }],
    [400, 'null', {}, { code: 'invalid' }], [400, '{"__proto__": ["x"], "a": [1], "b": "c"}', {}, { code: 'invalid' }], [400, '{"half', {}, { code: 'invalid' }],
  ]) {
    answer = { status, body, headers }
    const e = await client.login({ username: 'a', password: 'b' }).catch(e => e)
    assert.ok(e instanceof YoozakError && isYoozakError(e), String(status))
    assert.equal(e.status, status)
    for (const key of Object.keys(want)) assert.deepEqual(JSON.parse(JSON.stringify(e[key])), want[key], `${status} ${JSON.stringify(body)} ${key}`)
  }
  answer = { status: 202, body: '' } // where it was 204
  await client.requestReset({ email: 'a@example.ma' })
  answer = { status: 200, body: '<html>' }
  await assert.rejects(client.login({ username: 'a', password: 'b' }), { code: 'bad_answer' })
  await assert.rejects(client.updateMe({ first_name: 'a' }), { code: 'bad_answer' })
  assert.equal({}.x, undefined)
})

test('an error of 50,000 codes of one field is read in one go', () => { // with a copy for each it takes a minute
  const n = 50_000, began = Date.now()
  const e = errorOf(new Response('', { status: 400, headers: { 'X-Error-Code': Array(n).fill('password=too_short').join(', ') } }), null, 'POST', '/', began)
  assert.equal(e.codes.password.length, n)
  assert.ok(Date.now() - began < 10_000)
})

test('the order of fields is the server\'s', async () => {
  const { client } = await setup()
  const e = await client.register({ username: 'a b', password: '', email: 'x' }).catch(e => e)
  assert.deepEqual(Object.keys(e.fields), ['username', 'password', 'email'])
  assert.equal(e.status, 400)
  assert.ok(e.requestId)
})

describe('the body after a 401', () => {
  let echo, seen
  before(async () => {
    echo = http.createServer(async (req, res) => {
      const hash = createHash('sha256')
      let bytes = 0
      for await (const c of req) { hash.update(c); bytes += c.length }
      seen.push({ bytes, sum: hash.digest('hex'), type: req.headers['content-type'], extra: req.headers['x-extra'], method: req.method })
      res.writeHead(seen.length === 1 ? 401 : 200).end()
    })
    await new Promise(done => echo.listen(0, '127.0.0.1', done))
  })
  after(() => echo.close())

  const form = new FormData()
  form.append('photo', new Blob(['x'.repeat(50_000)]), 'photo.png')
  form.append('nom', 'أمينة')
  for (const [what, make] of Object.entries({
    text: () => ['text', 'héllo'.repeat(1000)], params: () => ['params', new URLSearchParams({ a: 'é', b: '2' })],
    blob: () => ['blob', new Blob(['z'.repeat(9000)])], bytes: () => ['bytes', new Uint8Array(700)], form: () => ['form', form],
  })) {
    test(what, async () => {
      const origin = 'http://127.0.0.1:' + echo.address().port
      for (const asRequest of [false, true]) {
        seen = []
        const { client } = await setup(undefined, { origins: [origin] })
        const init = { method: 'POST', body: make()[1], headers: { 'X-Extra': 'kept' } }
        const answer = await (asRequest ? client.fetch(new Request(origin + '/x', init)) : client.fetch(origin + '/x', init))
        assert.equal(answer.status, 200)
        assert.equal(seen.length, 2)
        assert.ok(seen[0].bytes > 3)
        assert.equal(seen[0].bytes, seen[1].bytes)
        if (what !== 'form') assert.equal(seen[0].sum, seen[1].sum) // a form gets another boundary each time it is sent
        for (const s of seen) assert.ok(s.extra === 'kept' && s.method === 'POST' && (what !== 'form' || /boundary=/.test(s.type)), JSON.stringify(s))
      }
    })
  }
  test('a stream is not sent twice, and not in half', async () => {
    const origin = 'http://127.0.0.1:' + echo.address().port
    seen = []
    const { client } = await setup(undefined, { origins: [origin] })
    const body = new ReadableStream({ start(c) { c.enqueue(new TextEncoder().encode('stream')); c.close() } })
    await assert.rejects(client.fetch(origin + '/x', { method: 'POST', body, duplex: 'half' }), { code: 'not_repeatable', status: 401 })
    assert.deepEqual(seen.map(s => s.bytes), [6])
  })
})

test('the token goes to nobody else', async () => {
  const got = []
  const thief = http.createServer((req, res) => { got.push(req.headers); res.end('{}') })
  await new Promise(done => thief.listen(0, '127.0.0.1', done))
  const other = 'http://127.0.0.1:' + thief.address().port
  const { proxy, client } = await setup(r => r.path.startsWith('/away') && { replace: { status: 302, headers: { Location: other + '/caught' } } })
  const host = new URL(proxy.url).host
  for (const url of [other + '/x', `http://${host}@127.0.0.1:${thief.address().port}/`, ` ${other}/y`, other.toUpperCase() + '/z', new URL(other + '/u'), new Request(other + '/r')]) {
    await client.fetch(url).catch(() => {})
  }
  // A fetch that keeps headers over redirects, as some do.
  const keeping = async (input, init) => {
    const r = await fetch(input, { ...init, redirect: 'manual' })
    if (r.status !== 302 || init.redirect !== 'follow') return init.redirect === 'error' && r.status === 302 ? Promise.reject(new TypeError('redirect')) : r
    return fetch(r.headers.get('location'), init)
  }
  const kept = createClient({ url: proxy.url, store: sharedStore(), fetch: keeping })
  await kept.register({ username: name(), password: PASSWORD })
  for (const c of [client, kept]) await assert.rejects(c.fetch(proxy.url + '/away'), { code: 'network' })
  for (const c of [client, kept]) await c.fetch(other + '/away').catch(() => {})
  assert.ok(got.length >= 5, `${got.length}`)
  for (const headers of got) assert.ok(!headers['x-device-token'] && !/Bearer/.test(headers.authorization ?? ''), JSON.stringify(headers))
  assert.match((await client.fetch(proxy.url + '/api/clients/clients/me/').then(r => r.json())).username, /^amina/)
  for (const device of proxy.seen.filter(r => r.headers['x-device-token'])) assert.match(device.path, /login|register/)
  thief.closeAllConnections()
  thief.close()
})

test('a base URL is made regular, or refused with a sentence', () => {
  const store = sharedStore()
  for (const url of ['https://a.example', 'https://a.example/', 'HTTPS://A.example:443//', 'http://127.0.0.1:8000/sub/']) createClient({ url, store })
  for (const url of ['', 'a.example', '/api', 'ftp://a', 'https://u:p@a.example', 'https://a.example?x', 'https://a\\b', undefined, 'javascript:alert(1)']) {
    assert.throws(() => createClient({ url, store }), { code: 'bad_url' }, String(url))
  }
})

test('an entry of origins that is no origin is refused when the client is made, and not quoted', () => {
  const store = sharedStore(), url = 'https://a.example'
  for (const origin of ['https://b.example', 'HTTPS://B.example:8443', 'https://b.example/', 'http://[::1]:3000', 'https://متجر.example']) createClient({ url, store, origins: [origin] })
  for (const origin of ['', ' ', '/', '//', 'https://', 'https:', 'http', 'null', '*', 'b.example', '//b.example', 'https://*.b.example', 'https://b.example/path', 'https://b.example?x', 'https://b.example#x',
    'https://u:hunter2@b.example', 'https://b.example\\@c.example', 'https://b.example,https://c.example', 'https://b.example:', 'https://b%2eexample', 'ftp://b.example', null, undefined, 7, {}, ['https://']]) {
    assert.throws(() => createClient({ url, store, origins: ['https://b.example', origin] }), e => e.code === 'bad_url' && /origins/.test(e.message) && !/hunter2/.test(e.message + e.stack), String(origin))
  }
  for (const origins of [[''], 'https://b.example']) assert.throws(() => createClient({ url, store, origins }), { code: 'bad_url' })
  assert.throws(() => createClient({ url: 'https://amina:hunter2@a.example', store }), e => e.code === 'bad_url' && !/hunter2|amina/.test(e.message + e.stack + inspect(e)))
})

test('no error, no event and no object shows a token or a password', async () => {
  const shown = []
  const faults = [{ swallow: true }, { hole: true }, { refuse: true }, { replace: { status: 400, body: { username: ['x'] } } }, { replace: { status: 500, body: '<html>' } }, { cut: true }]
  for (const f of faults) {
    let on = false
    const store = sharedStore()
    const { client } = await setup(() => on && f, { timeout: 300, store, debug: e => shown.push(inspect(e)) })
    const secrets = [...store.held.values()].flatMap(v => v.match(/eyJ[\w-]+\.[\w-]+\.[\w-]+/g) ?? []).concat(PASSWORD)
    assert.ok(secrets.length >= 3)
    client.onChange(s => shown.push(inspect(s)))
    on = true
    for (const act of [
      () => client.me(), () => client.login({ username: 'salma', password: PASSWORD }), () => client.changePassword({ current_password: PASSWORD, new_password: PASSWORD }),
      () => client.fetch('http://127.0.0.1:9/?token=' + secrets[0]), () => client.verifyEmail(secrets[0]), () => client.logout(),
    ]) {
      const e = await act().catch(e => e)
      shown.push(inspect(e, { depth: Infinity, showHidden: true }), JSON.stringify(e), String(e?.stack))
      if (e instanceof Error && isYoozakError(e)) shown.push(inspect(structuredClone(e)), inspect(e.cause))
    }
    shown.push(inspect(client, { depth: Infinity, showHidden: true }), JSON.stringify(client), JSON.stringify(client.state()))
    const all = shown.join('\n')
    for (const s of secrets) assert.ok(!all.includes(s), `shown after ${JSON.stringify(f)}`)
  }
})

test('a link that works once is used once, however often it is asked for', async () => {
  const { proxy, client } = await setup()
  await assert.rejects(client.verifyEmail('wrong'), e => e.status === 400 && !!e.fields.token)
  proxy.reset()
  const twice = await Promise.allSettled([client.verifyEmail('wrong'), client.verifyEmail('wrong')])
  assert.ok(twice.every(r => r.reason.status === 400))
  assert.equal(proxy.seen.length, 1)
})

test('who gives up the wait for such a link takes it from nobody else', async () => {
  const { proxy, client } = await setup(r => r.path.includes('email/verify/') && { late: 300 })
  const [first, second, third] = [new AbortController(), new AbortController(), new AbortController()]
  const calls = Promise.allSettled([first, second, third].map((c, i) => {
    if (i === 1) first.abort() // as a component does that is mounted twice
    return client.verifyEmail('wrong', { signal: c.signal })
  }))
  await until('the server has it', () => proxy.seen.length === 1)
  third.abort()
  const [a, b, c] = (await calls).map(r => r.reason)
  assert.deepEqual([a.code, a.unknownOutcome, b.status, c.code, proxy.seen.length], ['aborted', true, 400, 'aborted', 1])
  await assert.rejects(client.verifyEmail('other', { signal: AbortSignal.abort() }), { code: 'aborted' })
  assert.equal(proxy.seen.length, 1) // not used for who has given up
})
