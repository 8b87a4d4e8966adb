// Stores that fail, forget, are slow, and are shared; accounts by turns; telephones.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import vm from 'node:vm'
import { createClient, memoryStore, secureStore } from '../dist/index.js'
import { claims } from '../dist/token.js'
import { fileStore } from './app.mjs'
import { isMe, isRefresh, name, PASSWORD, Proxy, Server, sessionOf, sharedStore, sleep, until } from './rig.mjs'

let server
before(async () => { server = await Server.start({ YOOZAK_REFRESH_ROTATION: 'true', YOOZAK_ACCESS_LIFETIME: '6s', YOOZAK_REFRESH_HINT: '1s' }) })
after(() => server.stop())

const fields = () => ({ username: name(), password: PASSWORD, first_name: 'أمينة' })
const spoil = store => { for (const [key, text] of store.held) if (text.startsWith('{')) store.held.set(key, JSON.stringify({ ...JSON.parse(text), access: 'not.good.more' })) }

test('a store that throws from the third write on: the session goes on in memory', async () => {
  const store = sharedStore()
  let writes = 0
  const set = store.set
  store.set = (...args) => { if (++writes > 2) throw new DOMException('full', 'QuotaExceededError'); set(...args) }
  const client = createClient({ url: server.url, store }), heard = []
  client.onChange(s => heard.push(s.persistent))
  await client.register(fields())
  for (let i = 0; i < 3; i++) {
    await sleep(6100)
    assert.equal((await client.me()).first_name, 'أمينة')
  }
  assert.equal(client.state().persistent, false)
  assert.deepEqual(heard, [true, false]) // one event says so
  writes = -100
  await client.me()
  assert.equal(client.state().persistent, true)
  assert.equal((await createClient({ url: server.url, store }).me()).first_name, 'أمينة')
})

test('a store that is always full: login works, and nobody waits', async () => {
  const client = createClient({ url: server.url, store: { get: () => null, set() { throw new Error('full') } } })
  await client.register(fields())
  assert.equal((await client.me()).first_name, 'أمينة')
  assert.deepEqual([client.state().status, client.state().persistent], ['in', false])
})

test('values that nobody can read are nobody\'s session', async () => {
  for (const text of ['{"half', '7', 'null', '[]', '{"v":1}', '{"v":2,"g":"x","refresh":"a.b.c"}', '{"v":1,"g":"x","refresh":7}', '\u0000', '{"__proto__":{"v":1}}']) {
    const held = new Map(), store = sharedStore(held)
    store.get = key => held.get(key) ?? text
    const client = createClient({ url: server.url, store })
    assert.equal(client.state().status, 'out', text)
    await assert.rejects(client.me(), { code: 'logged_out' })
    assert.equal(held.size, 0) // left alone
    assert.equal(await client.logout(), true)
    await client.register(fields())
    assert.equal((await client.me()).first_name, 'أمينة')
  }
})

test('slow and failing writes in every order: no tokens of an ended session stay', async () => {
  let seed = 7
  const random = () => (seed = seed * 16807 % 2147483647) / 2147483647
  for (let round = 0; round < 12; round++) {
    const held = new Map(), wait = [0, 1, 20, 60]
    const store = {
      held,
      get: async key => { await sleep(wait[Math.floor(random() * 3)]); return held.get(key) ?? null },
      set: async (key, value) => { await sleep(wait[Math.floor(random() * 4)]); if (random() < .2) throw new Error('no'); held.set(key, value) },
    }
    const client = createClient({ url: server.url, store })
    await client.register(fields())
    spoil(store)
    const calls = [client.me(), client.me()]
    await sleep(random() * 60)
    const out = client.logout()
    await Promise.allSettled([...calls, out])
    await client.me().catch(() => {}) // a write that failed is tried again
    await client.me().catch(() => {})
    await sleep(200)
    if (client.state().persistent) assert.equal(sessionOf(store).refresh, undefined, `round ${round}`)
    assert.equal(client.state().status, 'out')
  }
})

test('pages share a session in a store that answers by promise', async () => {
  const held = new Map()
  const page = () => createClient({ url: server.url, store: { get: async key => held.get(key), set: async (key, value) => { held.set(key, value) } } })
  const [a, b] = [page(), page()]
  await until('both have read', () => a.state().status === 'out' && b.state().status === 'out')
  for (let i = 0; i < 2; i++) { // the second is somebody else
    const { username } = await a.register(fields())
    assert.equal((await b.me()).username, username)
  }
  spoil({ held })
  assert.deepEqual((await Promise.all([a.me(), b.me()])).map(me => me.first_name), ['أمينة', 'أمينة'])
  await a.logout()
  await assert.rejects(b.me(), { code: 'logged_out' })
  assert.equal(b.state().reason, 'logout')
})

test('storage that is cleared is "lost", a logout in another tab is "logout"', async () => {
  const held = new Map()
  const [a, b] = [createClient({ url: server.url, store: sharedStore(held) }), createClient({ url: server.url, store: sharedStore(held) })]
  await a.register(fields())
  await b.me()
  held.clear()
  assert.equal((await a.me()).first_name, 'أمينة') // goes on
  assert.deepEqual([a.state().status, a.state().reason], ['in', 'lost'])
  await sleep(6100)
  await a.me() // with other tokens, which stay in memory
  assert.equal(sessionOf({ held }), null)
  assert.equal(createClient({ url: server.url, store: sharedStore(held) }).state().status, 'out')
  await a.login({ username: a.state().user.username, password: PASSWORD })
  await b.me()
  await b.logout()
  await assert.rejects(a.me(), { code: 'logged_out' })
  assert.deepEqual([a.state().status, a.state().reason], ['out', 'logout'])
  assert.equal(sessionOf({ held }).refresh, undefined)
})

test('two servers, two names, one store', async () => {
  const other = await Server.start()
  const store = sharedStore()
  const clients = [[server.url, undefined], [other.url, undefined], [server.url, 'staff']].map(([url, name]) => createClient({ url, store, name }))
  const users = []
  for (const c of clients) users.push(await c.register(fields()))
  await Promise.all(Array.from({ length: 100 }, async (_, i) => assert.equal((await clients[i % 3].me()).username, users[i % 3].username)))
  await clients[0].logout()
  await clients[2].me()
  await other.stop()
})

test('each name has a session of its own', async () => {
  const store = sharedStore()
  const names = ['', 'staff', 'staff-2', 'staff_2', 'موظف', 'زبون', 'shop.fr', 'shop/fr', 'é', 'è']
  const users = []
  for (const n of names) users.push((await createClient({ url: server.url, store, name: n }).register(fields())).username)
  for (const [i, n] of names.entries()) assert.equal((await createClient({ url: server.url, store, name: n }).me()).username, users[i], n)
  const key = 'yoozak.' + server.url.replace(/\W+/g, '_') + '_api_clients_'
  for (const n of ['', 'staff', 'staff-2']) assert.ok(store.held.has(key + n), n) // as before: nobody who has a plain name is logged out
})

test('a tablet of several people: the right device token, and no name that can be read', async () => {
  const proxy = await Proxy.start(server.url)
  const store = sharedStore()
  const client = createClient({ url: proxy.url, store })
  const people = [fields(), { ...fields(), email: name() + '@example.ma' }]
  for (const p of people) {
    await client.register(p)
    await client.logout()
  }
  await sleep(50)
  const text = JSON.stringify([...store.held])
  for (const p of people) assert.ok(!text.includes(p.username) && !text.includes(p.first_name), text)
  const shown = () => proxy.seen.filter(r => r.path.includes('login')).at(-1).headers['x-device-token']
  const tokens = []
  for (const p of [people[0], people[1], people[0], { ...people[1], username: people[1].email }]) {
    await client.login(p)
    tokens.push(shown())
    await client.logout()
  }
  assert.ok(tokens.every(Boolean))
  assert.notEqual(tokens[0], tokens[1])
  for (let i = 0; i < 10; i++) await createClient({ url: server.url, store: memoryStore() }).login({ username: people[0].username, password: 'x' }).catch(() => {})
  await client.login(people[0]) // strangers' wrong passwords do not keep her out
  proxy.close()
})

test('a safe that takes 2,048 bytes', async () => {
  const safe = limit => { // throws, or cuts
    const held = new Map()
    return { held, getItemAsync: async key => held.get(key) ?? null, async setItemAsync(key, value) { assert.match(key, /^[\w.-]+$/); if (limit < 0 && value.length > -limit) throw new Error('too big'); held.set(key, value.slice(0, Math.abs(limit))) } }
  }
  for (const alg of ['ES256', 'EdDSA', 'RS256', 'HS256']) {
    const s = await Server.start({ YOOZAK_JWT_ALGORITHM: alg, YOOZAK_JWT_SECRET: alg === 'HS256' ? 's'.repeat(40) : '', YOOZAK_REFRESH_ROTATION: 'true' })
    const room = safe(2048)
    const client = createClient({ url: s.url, store: secureStore(room) })
    assert.equal(client.state().status, 'unknown')
    await until('known', () => client.state().status === 'out')
    await client.register(fields())
    assert.ok(JSON.stringify([...room.held]).includes('refresh') && !JSON.stringify([...room.held]).includes('\\"access\\"'))
    const again = createClient({ url: s.url, store: secureStore(room) }) // the app is started anew
    assert.equal((await again.me()).first_name, 'أمينة')
    await again.logout()
    await s.stop()
  }
  for (const limit of [300, -300]) {
    const client = createClient({ url: server.url, store: secureStore(safe(limit)) })
    await assert.rejects(client.register(fields()), { code: 'storage' })
    assert.equal(client.state().status, 'out')
  }
})

test('a dead token of last year: out, with one request', async () => {
  const store = sharedStore()
  const first = createClient({ url: server.url, store })
  await first.register(fields())
  await server.run('user', 'disable', first.state().user.username)
  const proxy = await Proxy.start(server.url)
  const room = new Map([...store.held].map(([key, value]) => [key.replace(new URL(server.url).port, new URL(proxy.url).port), value]))
  const safe = { getItemAsync: async key => room.get(key) ?? null, setItemAsync: async (key, value) => { room.set(key, value) } }
  for (const [key, text] of room) if (text.startsWith('{')) room.set(key, JSON.stringify({ ...JSON.parse(text), access: undefined }))
  const client = createClient({ url: proxy.url, store: secureStore(safe) })
  await assert.rejects(client.me())
  assert.deepEqual([client.state().status, client.state().reason, proxy.seen.length], ['out', 'ended', 1])
  proxy.close()
})

test('a locked telephone: unknown, then in; twenty wakes make one refresh', async () => {
  const proxy = await Proxy.start(server.url)
  const held = new Map()
  let locked = false
  const safe = { getItemAsync: async key => { if (locked) throw new Error('locked'); return held.get(key) ?? null }, setItemAsync: async (key, value) => { if (locked) throw new Error('locked'); held.set(key, value) } }
  await createClient({ url: proxy.url, store: secureStore(safe) }).register(fields())
  locked = true
  const client = createClient({ url: proxy.url, store: secureStore(safe) })
  await sleep(20)
  for (let i = 0; i < 3; i++) {
    assert.equal(client.state().status, 'unknown')
    await assert.rejects(client.me(), { code: 'storage' }) // somebody may be in
  }
  locked = false
  proxy.reset()
  for (let i = 0; i < 20; i++) client.wake()
  await until('in', () => client.state().status === 'in')
  await until('renewed', () => proxy.refreshes === 1)
  await client.me()
  assert.equal(proxy.refreshes, 1)
  proxy.close()
})

// telephone has a safe whose reads, writes or readings back fail when they are named.
function telephone() {
  const held = new Map(), phone = { held, fails: '' }
  let reads = 0 // since the last write
  phone.safe = {
    async getItemAsync(key) {
      if (phone.fails.includes('read') || phone.fails.includes('back') && reads++ === 0) throw new Error('locked')
      return held.get(key) ?? null
    },
    async setItemAsync(key, value) {
      if (phone.fails.includes('write')) throw new Error('locked')
      held.set(key, value)
      reads = 0
    },
  }
  return phone
}

test('a telephone that is locked during a renewal gives no older token back, and has the newest after it', async () => {
  for (const fails of ['read write', 'write', 'back', 'back, then read write']) {
    for (const since of ['the call', 'the mark']) {
      let deny = 0
      const phone = telephone(), sent = []
      const lock = () => { phone.fails = fails.split(', ')[0] }
      const proxy = await Proxy.start(server.url, r => {
        if (isRefresh(r)) lock(), sent.push(JSON.parse(r.body).refresh)
        return isMe(r) && deny-- > 0 && { replace: { status: 401, body: { detail: 'over', code: 'token_not_valid' } } }
      })
      const client = createClient({ url: proxy.url, store: secureStore(phone.safe) }), what = `${fails} since ${since}`
      await client.register(fields())
      deny = 1
      if (since === 'the call') lock()
      for (let i = 0; i < 2; i++) assert.equal((await client.me()).first_name, 'أمينة', what) // the second shows the server the next token
      phone.fails = fails.split(', ')[1] ?? fails
      deny = 1
      for (let i = 0; i < 2; i++) assert.equal((await client.me()).first_name, 'أمينة', what)
      phone.fails = ''
      assert.equal((await client.me()).first_name, 'أمينة', what)
      await until('it is written: ' + what, () => client.state().persistent && !sent.includes(sessionOf(phone).refresh))
      assert.equal(new Set(sent).size, sent.length, what) // each token once
      assert.equal((await createClient({ url: proxy.url, store: secureStore(phone.safe) }).me()).first_name, 'أمينة', what)
      assert.equal(new Set(sent).size, sent.length, what)
      proxy.close()
    }
  }
})

test('a logout while the telephone is locked counts once it is unlocked', async () => {
  const proxy = await Proxy.start(server.url)
  const phone = telephone()
  const { username } = await createClient({ url: proxy.url, store: secureStore(phone.safe) }).register(fields())
  const { refresh } = sessionOf(phone)
  phone.fails = 'read write'
  proxy.reset()
  const client = createClient({ url: proxy.url, store: secureStore(phone.safe) }) // the app is started anew
  for (let i = 0; i < 2; i++) assert.equal(await client.logout(), false) // the server has not heard of it
  assert.deepEqual([client.state().status, client.state().reason, proxy.seen.length], ['out', 'logout', 0])
  phone.fails = ''
  client.wake()
  await until('the mark is written', () => sessionOf(phone).out === 'logout')
  assert.ok(!JSON.stringify([...phone.held]).includes(refresh))
  await assert.rejects(client.me(), { code: 'logged_out' })
  assert.equal(proxy.seen.length, 0)
  assert.equal(await client.logout(), true)
  assert.equal((await client.login({ username, password: PASSWORD })).username, username)
  proxy.close()
})

test('a confirmation while the telephone is locked logs nobody out', async () => {
  const phone = telephone()
  const client = createClient({ url: server.url, store: secureStore(phone.safe) })
  const { username } = await client.register(fields())
  phone.fails = 'read write'
  await client.confirm({ password: PASSWORD })
  assert.equal((await client.me()).username, username)
  phone.fails = ''
  await client.me()
  await until('it is written', () => client.state().persistent)
  assert.equal((await createClient({ url: server.url, store: secureStore(phone.safe) }).me()).username, username)
})

test('killed between the server\'s new tokens and the store: the next process goes on', async () => {
  let times = 0
  const proxy = await Proxy.start(server.url, r => isRefresh(r) && times-- > 0 && { late: 3000 })
  const file = join(mkdtempSync(join(tmpdir(), 'yoozak-app-')), 'session.json'), store = fileStore(file)
  const { username } = await createClient({ url: proxy.url, store }).register(fields())
  const held = JSON.parse(readFileSync(file, 'utf8'))
  for (const [key, text] of Object.entries(held)) if (text.startsWith('{')) store.set(key, JSON.stringify({ ...JSON.parse(text), access: 'not.good.more' }))
  times = 1
  const app = spawn(process.execPath, [new URL('app.mjs', import.meta.url).pathname, proxy.url, file], { stdio: 'ignore' })
  await until('the server has made other tokens', () => proxy.seen.some(r => isRefresh(r) && r.status === 200))
  app.kill('SIGKILL')
  assert.ok(readFileSync(file, 'utf8').includes('busy')) // what it left behind
  const next = createClient({ url: proxy.url, store }) // the app is started anew
  assert.equal((await next.me()).username, username)
  assert.ok(!readFileSync(file, 'utf8').includes('busy'))
  proxy.close()
})

test('without a store where there is no page, a login says what to do', async () => {
  const client = createClient({ url: server.url })
  await assert.rejects(client.login({ username: 'a', password: 'b' }), e => e.code === 'storage' || e.status === 401)
  await assert.rejects(client.register(fields()), { code: 'storage' })
  assert.equal(client.state().status, 'out')
})

test('with fetch (and its Headers), Promise and AbortController alone, and a window that is an empty object', async () => {
  const globals = { fetch, Headers, AbortController, setTimeout, clearTimeout, window: {} }
  const context = vm.createContext(globals)
  vm.runInContext('for (const n of ["SharedArrayBuffer", "Atomics", "WebAssembly", "escape", "unescape"]) delete globalThis[n]', context)
  const folder = new URL('../dist/', import.meta.url)
  const modules = {}
  const load = file => {
    if (modules[file]) return modules[file].exports
    const module = modules[file] = { exports: {} }
    vm.runInContext(`(function (module, exports, require) {${readFileSync(new URL(file, folder), 'utf8')}\n})`, context)(module, module.exports, load)
    return module.exports
  }
  assert.ok(readdirSync(folder).includes('index.cjs'))
  const sdk = load('index.cjs')
  const store = sharedStore()
  const client = sdk.createClient({ url: server.url, store })
  const user = await client.register(fields())
  spoil(store)
  assert.equal((await client.me()).username, user.username)
  assert.equal((await client.fetch(server.url + '/api/clients/clients/me/', { headers: { 'X-A': 'b' } })).status, 200)
  const e = await client.me({ signal: { aborted: true, addEventListener() {}, removeEventListener() {} } }).catch(e => e)
  assert.equal(e.code, 'aborted') // whatever the reason was, or was not
  await assert.rejects(client.login({ username: 'x', password: 'y' }), e => e.status === 401)
  await client.logout()
})

test('the dates of a token whose claims are Arabic are read without atob', () => {
  const part = o => Buffer.from(JSON.stringify(o)).toString('base64url')
  for (const name of ['', 'a', 'ab', 'أمينة ✓']) {
    const { exp, iat } = claims(`x.${part({ name, exp: 1795000002, iat: 1795000001, z: '>>>???~' })}.y`)
    assert.deepEqual([exp, iat], [1795000002, 1795000001])
  }
  for (const bad of [undefined, '', 'a', 'a.b', 'a.b.c', 'a.é.c', `a.${part({ exp: 'x' })}.c`, `a.${part(null)}.c`]) assert.equal(claims(bad), null, String(bad))
})
