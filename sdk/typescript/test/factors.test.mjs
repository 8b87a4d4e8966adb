// Second factors against the real server: an authenticator app, codes by mail, trusted devices, and the proof before an act.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { inspect } from 'node:util'
import { createClient, isConfirmRequired, isSecondFactorRequired } from '../dist/index.js'
import { factorsOf, passkeysOf } from '../dist/factors.js'
import { App, name, PASSWORD, Proxy, Server, sessionOf, sharedStore, until } from './rig.mjs'

let server
before(async () => { server = await Server.start() })
after(() => server.stop())

async function person(options = {}) {
  const proxy = await Proxy.start(server.url)
  after(() => proxy.close())
  const username = name(), store = sharedStore()
  const client = createClient({ url: proxy.url, store, ...options })
  await client.register({ username, password: PASSWORD, email: username + '@example.ma' })
  return { proxy, store, client, username, factors: factorsOf(client) }
}

async function withApp(options) {
  const p = await person(options)
  const setup = await p.factors.setUpApp({ name: 'Pixel' })
  assert.match(setup.qr, /^<svg/)
  p.app = new App(setup.secret)
  p.codes = (await p.factors.confirmApp(p.app.code())).recovery_codes
  assert.equal(p.codes.length, 10)
  return p
}

const refused = async call => {
  try {
    await call
  } catch (e) {
    return e
  }
  assert.fail('it was allowed')
}

test('a login waits for its second step, and goes on', async () => {
  const { client, username, app, factors } = await withApp()
  await client.logout()
  const e = await refused(client.login({ username, password: PASSWORD }))
  assert.ok(isSecondFactorRequired(e) && !isConfirmRequired(e))
  assert.deepEqual([e.status, e.methods, e.fields, client.state().status], [401, ['totp', 'recovery_code'], {}, 'out'])
  assert.ok(!inspect(e, { showHidden: false }).includes(e.challenge) && !JSON.stringify(e).includes(e.challenge), 'a log would show the challenge')
  const wrong = await refused(client.loginSecond({ challenge: e.challenge, recovery_code: '0123-4567-89AB-CDEF-GHJK-MNPQ' }))
  assert.deepEqual([wrong.status, wrong.codes], [400, { recovery_code: ['wrong'] }])
  assert.equal((await client.loginSecond({ challenge: e.challenge, code: app.code() })).username, username)
  assert.equal(client.state().status, 'in')
  const { factors: all, recovery_codes_left } = await factors.list()
  assert.deepEqual([all.map(f => f.kind), recovery_codes_left], [['totp'], 10])
  assert.equal((await factors.rename(all[0].id, 'Téléphone')).name, 'Téléphone')
  await factors.remove(all[0].id)
  await client.logout()
  await client.login({ username, password: PASSWORD })
})

test('a trusted device asks for the password alone, and its token goes with this person alone', async () => {
  const { client, username, app, proxy, factors, store } = await withApp()
  await client.logout()
  const e = await refused(client.login({ username, password: PASSWORD }))
  await client.loginSecond({ challenge: e.challenge, code: app.code(), trust: true })
  await client.logout()
  proxy.reset()
  await client.login({ username, password: PASSWORD })
  assert.match(proxy.seen[0].headers['x-trusted-device'], /^[\w-]{43}$/)
  const other = name()
  await client.register({ username: other, password: PASSWORD })
  await client.logout()
  proxy.reset()
  await client.login({ username: other, password: PASSWORD })
  assert.equal(proxy.seen[0].headers['x-trusted-device'], undefined)
  const text = [...store.held.values()].join()
  assert.ok(!text.includes(username), 'the name is readable in the store')
  await client.logout()
  await client.login({ username, password: PASSWORD })
  const [device] = await factors.devices()
  const again = await refused(factors.endTrust(device.id)) // the device shows nothing of its user
  assert.ok(isConfirmRequired(again))
})

test('a call that needs a proof asks the page, and is made once more', async () => {
  const asked = []
  let answer = true
  const { client, username, app, codes, factors, proxy, store } = await withApp({
    onConfirmRequired: async error => {
      asked.push(error.methods)
      if (answer) await client.confirm({ recovery_code: codes.pop() })
      return answer
    },
  })
  await client.logout()
  const e = await refused(client.login({ username, password: PASSWORD }))
  await client.loginSecond({ challenge: e.challenge, code: app.code(), trust: true })
  await client.logout()
  await client.login({ username, password: PASSWORD }) // trusted: no proof
  const key = client.state().userKey, before = sessionOf(store).access
  answer = false
  assert.equal((await refused(client.export())).code, 'confirm_required')
  answer = true
  proxy.reset()
  assert.equal((await client.export()).user.username, username)
  assert.deepEqual(asked, [['totp', 'recovery_code'], ['totp', 'recovery_code']])
  assert.deepEqual([proxy.count('me/export/'), proxy.count('auth/confirm/')], [2, 1])
  assert.notEqual(sessionOf(store).access, before)
  assert.deepEqual([client.state().status, client.state().userKey], ['in', key])
  assert.equal((await factors.newRecoveryCodes()).length, 10) // the proof is good for a while
  assert.equal(asked.length, 2)
})

test('a mailed code resets a password', async () => {
  const { client, username, factors } = await person()
  await client.logout()
  const codeId = await factors.requestCode({ purpose: 'reset', to: username + '@example.ma' })
  let code
  await until('the mail', () => {
    const folder = join(server.folder, 'mails')
    for (const file of readdirSync(folder).filter(f => f.endsWith('-reset_password.eml'))) {
      const raw = readFileSync(join(folder, file), 'latin1')
      if (!raw.includes(username)) continue
      const body = Buffer.from(raw.slice(raw.indexOf('\r\n\r\n')).match(/base64\r\n(?:[^\r]+\r\n)*\r\n([\w+/=\r\n]+)/)?.[1] ?? '', 'base64').toString() || raw
      code = body.match(/(\d{3}) (\d{3})/)
    }
    return code
  })
  const wrong = await refused(factors.useCode(codeId, code[1] + code[2] === '123456' ? '654321' : '123456'))
  assert.deepEqual(wrong.codes, { code: ['wrong'] })
  const { purpose, token } = await factors.useCode(codeId, code[1] + ' ' + code[2])
  assert.equal(purpose, 'reset')
  await client.resetPassword({ token, new_password: 'Olive-Tagine-77-moon' })
  await client.login({ username, password: 'Olive-Tagine-77-moon' })
})

test('a dialog that is open is not opened again, and nothing is done by who has come meanwhile', async () => {
  let answer
  const asked = []
  const { client, username, store, app, codes } = await withApp({ onConfirmRequired: () => new Promise(done => { asked.push(answer = done) }) })
  await client.logout()
  const e = await refused(client.login({ username, password: PASSWORD }))
  await client.loginSecond({ challenge: e.challenge, code: app.code(), trust: true })
  await client.logout()
  await client.login({ username, password: PASSWORD }) // trusted: no proof
  const two = [client.export(), client.export()]
  await until('the dialog', () => asked.length)
  await client.confirm({ recovery_code: codes.pop() })
  answer(true)
  for (const got of await Promise.all(two)) assert.equal(got.user.username, username)
  assert.equal(asked.length, 1)

  await client.logout()
  await client.login({ username, password: PASSWORD })
  const late = refused(client.close('x'))
  await until('the dialog', () => asked.length === 2)
  const other = createClient({ url: server.url, store: sharedStore() }), name2 = name()
  await other.register({ username: name2, password: PASSWORD })
  await client.logout()
  await client.login({ username: name2, password: PASSWORD })
  answer(true)
  assert.equal((await late).code, 'logged_out')
  assert.equal((await client.me()).username, name2)
  assert.equal(sessionOf(store).user.username, name2)
})

test('a dialog that nobody answers keeps nobody else waiting, and a call can be aborted while it waits', async () => {
  const asked = []
  const proxy = await Proxy.start(server.url, r => r.method === 'DELETE' && { replace: { status: 403, headers: { 'X-Error-Code': 'confirm_required' }, body: { detail: 'x', code: 'confirm_required', methods: ['password'] } } })
  const client = createClient({ url: proxy.url, store: sharedStore(), onConfirmRequired: () => new Promise(done => asked.push(done)) })
  await client.register({ username: name(), password: PASSWORD })
  const leave = new AbortController()
  const left = refused(client.endSession('a', { signal: leave.signal }))
  client.endSession('b').catch(() => {})
  await until('the dialog', () => asked.length && proxy.count('sessions/', 'DELETE') === 2)
  leave.abort()
  assert.equal((await left).code, 'aborted')
  assert.equal(asked.length, 1)
  await client.logout() // and with it the dialog
  await client.register({ username: name(), password: PASSWORD })
  const next = refused(client.endSession('c'))
  await until('another dialog', () => asked.length === 2, 10_000)
  asked[1](false)
  assert.equal((await next).code, 'confirm_required')
  proxy.close()
})

test('each call of the document about second factors has a method', async () => {
  const document = JSON.parse(readFileSync(new URL('../../../docs/openapi.json', import.meta.url)))
  const about = /^\/api\/clients\/(auth\/(?:factors|code|confirm|devices|login\/second|login\/passkey|recovery|not-me)\/.*)$/
  const wanted = Object.entries(document.paths).flatMap(([path, methods]) => about.test(path) ? Object.keys(methods).map(m => m.toUpperCase() + ' ' + about.exec(path)[1]) : [])
  assert.ok(wanted.length > 20)
  const asked = new Set(), real = server.url + '/api/clients/'
  const client = createClient({
    url: server.url, store: sharedStore(),
    fetch: async (url, init) => { // what browsers have is not here: the options of a ceremony are enough
      if (about.test(new URL(url).pathname)) asked.add(init.method + ' ' + url.slice(real.length).replace(/\/id\//, '/{id}/'))
      return url.endsWith('/options/') ? Response.json({ ceremony: 'c', options: {} }) : fetch(url, init)
    },
  })
  await client.register({ username: name(), password: PASSWORD })
  const credential = { toJSON: () => ({}) }, same = options => options
  globalThis.PublicKeyCredential = { parseCreationOptionsFromJSON: same, parseRequestOptionsFromJSON: same }
  const node = Object.getOwnPropertyDescriptor(globalThis, 'navigator') // since Node 21
  Object.defineProperty(globalThis, 'navigator', { configurable: true, value: { credentials: { create: async () => credential, get: async () => credential } } })
  try {
    const f = factorsOf(client), p = passkeysOf(client)
    assert.equal(await f.recovery(), null)
    for (const call of [
      () => f.list(), () => f.rename('id', 'x'), () => f.remove('id'), () => f.setUpApp(), () => f.confirmApp('123456'), () => f.newRecoveryCodes(), () => f.devices(), () => f.endTrust('id'),
      () => f.undo('t', 'p'), () => f.stopRecovery(), () => f.stopRecovery('t'), () => f.finishRecovery('t'), () => f.notMe('t'), () => f.requestCode({ purpose: 'reset', to: 'a@example.ma' }), () => f.useCode('c', '123456'),
      () => p.add(), () => p.login(), () => p.loginSecond('c'), () => p.confirm(), () => client.confirm({ password: PASSWORD }),
    ]) await call().catch(e => assert.ok(e.status < 500 && e.code !== 'network', String(e))) // most have nothing to do
  } finally {
    delete globalThis.PublicKeyCredential
    if (node) Object.defineProperty(globalThis, 'navigator', node)
    else delete globalThis.navigator
  }
  assert.deepEqual([...asked].sort(), wanted.sort())
})

test('without a browser there are no passkeys', async () => {
  const { client } = await person()
  const passkeys = passkeysOf(client)
  assert.equal(passkeys.supported, false)
  await assert.rejects(passkeys.login(), { code: 'passkeys_off' })
})
