// Renewal over a network that fails, with rotation on and off.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { createClient } from '../dist/index.js'
import { isMe, isRefresh, LONG, name, PASSWORD, Proxy, Server, sessionOf, sharedStore, sleep, until } from './rig.mjs'

for (const rotation of ['false', 'true']) {
  describe('rotation ' + rotation, { concurrency: 4 }, () => {
    let server
    before(async () => { server = await Server.start({ YOOZAK_REFRESH_ROTATION: rotation, YOOZAK_ACCESS_LIFETIME: '6s', YOOZAK_REFRESH_HINT: '1s' }) })
    after(() => server.stop())

    // tabs returns n clients of one store, logged in, behind a proxy of their own.
    async function tabs(n, fault, options = {}) {
      const proxy = await Proxy.start(server.url, fault)
      after(() => proxy.close())
      const store = sharedStore()
      const clients = Array.from({ length: n }, () => createClient({ url: proxy.url, store, ...options }))
      await clients[0].register({ username: name(), password: PASSWORD, email: name() + '@example.ma', first_name: 'أمينة' })
      for (const c of clients) await c.me()
      proxy.reset()
      return { proxy, store, clients, client: clients[0] }
    }
    // spoil puts a token in place that no server takes, and that nobody can tell to be over.
    const spoil = store => {
      for (const [key, text] of store.held) if (text.startsWith('{')) store.held.set(key, JSON.stringify({ ...JSON.parse(text), access: 'not.good.more' }))
    }
    const stillIn = async client => assert.equal((await client.me()).first_name, 'أمينة')

    test('twenty calls whose 401s come early and late: one refresh', async () => {
      for (const n of [1, 3]) {
        let i = 0
        const { proxy, store, clients } = await tabs(n, r => isRefresh(r) ? { late: 150 } : isMe(r) && { late: i++ % 2 ? 400 : 50 })
        spoil(store)
        const users = await Promise.all(Array.from({ length: 20 }, (_, i) => clients[i % n].me()))
        assert.equal(new Set(users.map(u => u.username)).size, 1)
        assert.equal(proxy.refreshes, 1)
      }
    })

    test('three tabs, 150 calls with a token that has ended: one refresh', async () => {
      const { proxy, clients } = await tabs(3)
      await sleep(6100)
      await Promise.all(Array.from({ length: 150 }, (_, i) => clients[i % 3].me()))
      assert.equal(proxy.refreshes, 1)
      assert.equal(proxy.seen.filter(r => r.status === 401).length, 0)
    })

    test('a listener that calls the client, one that throws, one that never ends', async () => {
      const { client, store } = await tabs(1)
      const heard = []
      const complaints = console.error
      console.error = () => {}
      client.onChange(() => { throw new Error('a listener') })
      client.onChange(() => new Promise(() => {}))
      client.onChange(async s => { heard.push(s.status); if (s.status === 'in') heard.push((await client.me()).first_name) })
      spoil(store)
      await client.me()
      assert.deepEqual(heard, []) // a new token is no change
      await client.logout()
      const user = await client.register({ username: name(), password: PASSWORD, first_name: 'Salma' })
      await until('the listener has called', () => heard.length === 3)
      console.error = complaints
      assert.deepEqual(heard, ['out', 'in', user.first_name])
    })

    test('a resource that answers 401 for ever gets two requests; one that does it once gets 200', async () => {
      let times = 0
      const { proxy, client } = await tabs(1, r => isMe(r) && times-- > 0 && { replace: { status: 401, body: { detail: 'no', code: 'token_not_valid' } } })
      times = Infinity
      await assert.rejects(client.me(), e => e.status === 401 && !e.retryable)
      assert.deepEqual([proxy.count('/me/'), proxy.refreshes], [2, 1])
      assert.equal(client.state().status, 'in')
      times = 1
      await stillIn(client)
      assert.deepEqual([proxy.count('/me/'), proxy.refreshes], [4, 2])
      times = Infinity // and not one refresh for each of many calls
      for (let i = 0; i < 20; i++) await client.me().catch(() => {})
      assert.ok(proxy.refreshes <= 4, `${proxy.refreshes} refreshes`)
    })

    test('a wrong password asks once and refreshes nothing', async () => {
      const { proxy, client } = await tabs(1)
      await assert.rejects(client.login({ username: name(), password: 'wrong' }), { status: 401 })
      assert.deepEqual([proxy.seen.length, proxy.refreshes], [1, 0])
      assert.equal(client.state().status, 'in') // whoever was in stays
    })

    test('an answer to a refresh that was lost, late, cut, or refused at the door', async () => {
      const faults = [{ swallow: true }, { late: 6000 }, { cut: true }, { refuse: true }, { replace: { status: 502, body: '<html>' } }]
      await Promise.all(faults.map(async f => {
        let times = 1
        const { client, store } = await tabs(1, r => isRefresh(r) && times-- > 0 && f)
        spoil(store)
        await client.me().catch(e => assert.ok(e.retryable, e.code))
        await stillIn(client)
      }))
    })

    test('what is not the word of the server logs nobody out', async () => {
      const answers = [
        [401, '<html>proxy</html>'], [401, { detail: 'a new code', code: 'session_locked' }], [403, ''], [400, { refresh: ['?'] }], [404, '{}'], [200, '<html>hotel</html>'],
        [200, { access: 7 }], [429, {}], [503, {}], [500, 'x'.repeat(1000)],
      ]
      await Promise.all(answers.map(async ([status, body]) => {
        let times = 2
        const { client, store } = await tabs(1, r => isRefresh(r) && times-- > 0 && { replace: { status, body } })
        spoil(store)
        await assert.rejects(client.me(), undefined, `${status}`)
        assert.equal(client.state().status, 'in', `${status}`)
        await until('still in', () => client.me().then(() => true, () => false), 20_000)
      }))
    })

    test('offline: few attempts, and in again at once', async () => {
      const { proxy, client } = await tabs(1)
      await sleep(6100)
      let refreshes = 0
      const counting = createClient({ url: proxy.url, store: sharedStore(), debug: e => { if (e.path.includes('refresh')) refreshes++ } })
      await counting.register({ username: name(), password: PASSWORD, first_name: 'أمينة' })
      await sleep(6100)
      proxy.down()
      const rounds = LONG ? 100 : 20
      for (let i = 0; i < rounds; i++) {
        await assert.rejects(counting.me(), { code: 'network', status: 0, retryable: true })
        await sleep(LONG ? 600 : 50)
      }
      assert.ok(refreshes <= 8, `${refreshes} attempts`)
      assert.equal(counting.state().user.first_name, 'أمينة')
      proxy.up()
      const began = Date.now()
      await stillIn(counting)
      assert.ok(Date.now() - began < 2000)
      await stillIn(client)
    })

    test('a refresh that is never answered holds nobody for longer than a limit', async () => {
      let hole = true
      const { proxy, client, clients } = await tabs(2, r => isRefresh(r) && hole && { hole: true }, { timeout: 2000 })
      await sleep(6100)
      const began = Date.now()
      await assert.rejects(client.me(), { code: 'timeout' })
      assert.ok(Date.now() - began < 3000)
      hole = false
      await until('the other tab goes on', () => clients[1].me().then(() => true, () => false), 20_000)
      await until('so does this one', () => client.me().then(() => true, () => false), 20_000)
      assert.ok(proxy.refreshes <= 5)
    })

    test('a logout while a refresh is under way: nobody is in after it', async () => {
      const { proxy, client, clients, store } = await tabs(2, r => isRefresh(r) && { late: 500 })
      spoil(store)
      const call = client.me().then(() => 'answered', e => e.code)
      await until('the server has made other tokens', () => proxy.seen.some(r => isRefresh(r) && r.status === 200))
      assert.equal(await clients[1].logout(), true)
      assert.notEqual(await call, 'answered')
      await sleep(600)
      assert.equal(sessionOf(store).refresh, undefined)
      await assert.rejects(client.me(), { code: 'logged_out', retryable: false })
      assert.equal(client.state().reason, 'logout')
    })

    // takeover has somebody else logged in by another tab, in the middle of an answer.
    async function takeover(proxy, store) {
      const other = sharedStore()
      await createClient({ url: proxy.url, store: other }).register({ username: name(), password: PASSWORD })
      proxy.reset()
      return () => { for (const [key, text] of other.held) store.held.set(key, text) }
    }

    test('a call that waits for a renewal is not made by who has come meanwhile', async () => {
      let come
      const { proxy, store, client } = await tabs(1, r => isRefresh(r) && come?.())
      for (const call of [c => c.updateMe({ last_name: 'Alaoui' }), c => c.logoutAll(), c => c.fetch(proxy.url + '/api/clients/clients/me/')]) {
        come = undefined
        await client.register({ username: name(), password: PASSWORD })
        for (const [key, text] of store.held) if (text.startsWith('{')) store.held.set(key, JSON.stringify({ ...JSON.parse(text), access: undefined }))
        come = await takeover(proxy, store)
        await assert.rejects(call(client), { code: 'logged_out' })
        assert.deepEqual(proxy.seen.map(r => r.path), ['/api/clients/auth/token/refresh/'])
        assert.equal((await client.me()).last_name, '') // who has come goes on
      }
    })

    test('a call that is repeated is not made by who has come meanwhile', async () => {
      let come
      const { proxy, store, client } = await tabs(1, r => r.path.endsWith('/export/') && (come(), { replace: { status: 503 } }))
      come = await takeover(proxy, store)
      await assert.rejects(client.export(), { code: 'logged_out' })
      assert.equal(proxy.count('/export/'), 1)
    })

    test('a session that the server ended: one event, and then no request', async () => {
      const { proxy, client, store } = await tabs(1)
      const heard = []
      client.onChange(s => heard.push(s))
      await server.run('user', 'disable', client.state().user.username)
      spoil(store)
      const results = await Promise.allSettled(Array.from({ length: 12 }, () => client.me()))
      assert.ok(results.every(r => r.status === 'rejected'))
      assert.ok(proxy.seen.length <= 13, `${proxy.seen.length} requests`)
      const sofar = proxy.seen.length
      await assert.rejects(client.me(), { code: 'logged_out' })
      assert.equal(proxy.seen.length, sofar)
      assert.deepEqual(heard.map(s => [s.status, s.reason, s.user]), [['out', 'ended', null]])
    })

    test('a reload in the middle of a refresh: the next page asks at once', async () => {
      const { proxy, store, client } = await tabs(1, r => isRefresh(r) && { late: 300 })
      const frozen = sharedStore(new Map(store.held)) // what the page that is closed leaves behind
      for (const [key, text] of frozen.held) if (text.startsWith('{')) frozen.held.set(key, JSON.stringify({ ...JSON.parse(text), busy: true }))
      spoil(store)
      await client.me() // the server has made the next token
      proxy.reset()
      const page = createClient({ url: proxy.url, store: frozen })
      await until('it asks', () => proxy.refreshes === 1)
      await until('it has the answer', () => sessionOf(frozen).busy === undefined)
      await stillIn(page)
      assert.equal(proxy.refreshes, 1)
    })

    test('a clock that is two hours wrong, either way', async () => {
      const real = Date.now
      for (const hours of [2, -2]) {
        const { proxy, client, store } = await tabs(1)
        await client.logout()
        // The process has one clock; what counts is the difference to the tokens, so the stored one is shifted.
        await client.register({ username: name(), password: PASSWORD, first_name: 'أمينة' })
        for (const [key, text] of store.held) if (text.startsWith('{')) store.held.set(key, JSON.stringify({ ...JSON.parse(text), skew: hours * 3600_000 }))
        proxy.reset()
        for (let i = 0; i < 5; i++) await stillIn(client)
        assert.ok(proxy.refreshes <= 1, `${hours}: ${proxy.refreshes}`)
        assert.ok(proxy.refreshes === 0 || Math.abs(sessionOf(store).skew) < 2000)
      }
      assert.equal(Date.now, real)
    })

    test('a token of a clock that has been set back is exchanged for an older one', async () => {
      const part = o => Buffer.from(JSON.stringify(o)).toString('base64url')
      const { proxy, client, store } = await tabs(1)
      const iat = Math.floor(Date.now() / 1000) + 600, ahead = `e30.${part({ iat, exp: iat + 600 })}.c2ln` // no server takes it now
      for (const [key, text] of store.held) if (text.startsWith('{')) store.held.set(key, JSON.stringify({ ...JSON.parse(text), access: ahead, skew: 600_000 }))
      await stillIn(client)
      assert.notEqual(sessionOf(store).access, ahead)
      assert.ok(Math.abs(sessionOf(store).skew) < 5000)
      await stillIn(client)
      assert.equal(proxy.refreshes, 1)
    })

    test('an answer to a refresh that comes after those of others changes nothing', async () => {
      let late = 1
      const { proxy, store, client } = await tabs(1, r => isRefresh(r) && late-- > 0 && { late: 1500 })
      spoil(store)
      const call = client.me()
      await until('the server has made other tokens', () => proxy.seen.some(r => isRefresh(r) && r.status === 200))
      const lone = createClient({ url: proxy.url, store: { ...store, alone: true } }) // as if the lock had not been given
      await stillIn(lone)
      const { access, refresh } = sessionOf(store)
      await call
      assert.deepEqual([sessionOf(store).access, sessionOf(store).refresh], [access, refresh])
    })

    test('a 401 that never arrives', async () => {
      let bad
      const { proxy, client } = await tabs(1, r => isMe(r) && bad && r.headers.authorization === bad && { hole: true })
      await client.sessions()
      bad = proxy.seen.at(-1).headers.authorization
      proxy.reset()
      await assert.rejects(client.me({ timeout: 500 }), { code: 'timeout' })
      await stillIn(client)
      assert.equal(proxy.refreshes, 1)
    })
  })
}

test('a hint that comes with every answer', async () => {
  const server = await Server.start({ YOOZAK_ACCESS_LIFETIME: '20s', YOOZAK_REFRESH_ROTATION: 'true' })
  let slow = false
  const proxy = await Proxy.start(server.url, r => isRefresh(r) ? slow && { late: 3000 } : { headers: { 'x-token-refresh-required': 'true' } })
  const client = createClient({ url: proxy.url, store: sharedStore() })
  await client.register({ username: name(), password: PASSWORD })
  for (let i = 0; i < 45; i++) {
    await client.me()
    await sleep(220)
  }
  assert.ok(proxy.refreshes >= 1 && proxy.refreshes <= 4, `${proxy.refreshes} refreshes`)
  slow = true
  await sleep(7000)
  const began = Date.now()
  await client.me()
  assert.ok(Date.now() - began < 1500)
  await until('the hint is followed', () => proxy.refreshes >= 2)
  proxy.close()
  await server.stop()
})

test('rotation is switched on and off under a client', async () => {
  const server = await Server.start({ YOOZAK_ACCESS_LIFETIME: '6s', YOOZAK_REFRESH_HINT: '1s' })
  const store = sharedStore()
  const client = createClient({ url: server.url, store }), old = createClient({ url: server.url, store })
  await client.register({ username: name(), password: PASSWORD })
  const seconds = LONG ? 20 : 8
  for (const rotation of ['true', 'false']) {
    await server.stop()
    await server.launch({ YOOZAK_REFRESH_ROTATION: rotation })
    for (let i = 0; i < seconds; i++) {
      await client.me()
      if (i % 3 === 0) await old.me()
      await sleep(1000)
    }
    assert.equal(client.state().status, 'in')
    assert.ok(sessionOf(store).refresh)
  }
  await server.stop()
})
