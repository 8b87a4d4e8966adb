// The code of docs/factors.md, as it stands there, against the real server. That of passkeys runs in browser.test.mjs, that
// without the SDK in test/browser.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { after, before, test } from 'node:test'
import { createClient } from '../dist/index.js'
import { factorsOf } from '../dist/factors.js'
import { App, guide, Mailbox, name, PASSWORD, Server, sharedStore, until } from './rig.mjs'

const dist = pathToFileURL(join(import.meta.dirname, '../dist/')).href
let server, mailbox, login, app, confirm, codes, links
before(async () => {
  mailbox = await Mailbox.start()
  server = await Server.start({ ...mailbox.env, YOOZAK_LOGIN_CODE: 'on' })
  const load = async block => {
    const file = join(server.folder, block + '.mjs')
    writeFileSync(file, guide('factors', block).replaceAll('http://127.0.0.1:8000', server.url)
      .replaceAll("'@yoozak/clients'", `'${dist}index.js'`).replaceAll("'@yoozak/clients/factors'", `'${dist}factors.js'`)
      .replace("createClient({", "createClient({ store: globalThis.guideStore,")) // no page is here to keep it
    return import(pathToFileURL(file).href)
  }
  globalThis.guideStore = sharedStore()
  ;[login, app, confirm, codes, links] = await Promise.all(['login', 'app', 'confirm', 'codes', 'links'].map(load))
})
after(async () => {
  await server?.stop()
  mailbox?.close()
})

async function person() {
  const username = name(), client = createClient({ url: server.url, store: sharedStore() })
  await client.register({ username, password: PASSWORD, email: username + '@example.ma' })
  return { username, client, email: username + '@example.ma' }
}

/** mailed waits for a mail to an address that has something else in it than before. */
async function mailed(what, to, before) {
  let found
  await until(`a mail to ${to} with ${what}`, () => (found = mailbox.to(to).map(text => what.exec(text)?.[0]).find(Boolean)) && found !== before)
  return found
}
const digits = /\b\d{3} \d{3}\b/

async function withApp(p) {
  let authenticator
  const added = await app.addApp(p.client, shown => {
    assert.match(shown.qr, /^<svg/)
    authenticator = new App(shown.secret)
  }, async () => authenticator.code())
  assert.equal(added.codes.length, 10)
  return { ...p, app: authenticator, codes: added.codes }
}

test('an app, a login with it, and its end', async () => {
  const p = await withApp(await person())
  await p.client.logout()
  const user = await login.logIn(p.client, p.username, PASSWORD, async methods => {
    assert.deepEqual(methods, ['totp', 'recovery_code'])
    return { code: p.app.code(), trust: true }
  })
  assert.equal(user.username, p.username)
  const { left, codes } = await app.manage(p.client)
  assert.deepEqual([left, codes.length], [10, 10])
  await p.client.logout()
  await login.logIn(p.client, p.username, PASSWORD, () => assert.fail('a factor is asked for'))
})

test('a proof', async () => {
  let given
  const client = confirm.clientThatAsks(async methods => {
    assert.deepEqual(methods, ['totp', 'recovery_code'])
    return given
  })
  const username = name()
  await client.register({ username, password: PASSWORD })
  const { app: authenticator, codes } = await withApp({ client })
  await client.logout()
  await login.logIn(client, username, PASSWORD, async () => ({ code: authenticator.code(), trust: true }))
  await client.logout()
  await client.login({ username, password: PASSWORD }) // trusted: that is no proof
  await assert.rejects(client.export(), { code: 'confirm_required' })
  given = { recovery_code: codes[0] }
  assert.equal((await client.export()).user.username, username)
})

test('codes by mail', async () => {
  const { client, username, email } = await person()
  let code = await mailed(digits, email) // of the registration
  const sent = async (purpose, to) => {
    const id = await codes.send(client, purpose, to)
    code = await mailed(digits, email, code)
    return id
  }
  await codes.verify(client, await sent('verify'), code)
  assert.equal((await client.security()).email_verified, true)
  await codes.confirm(client, await sent('confirm'), code)
  await client.logout()
  await codes.logInByCode(client, await sent('login', email), code)
  assert.equal(client.state().user.username, username)
  await client.logout()
  await codes.reset(client, await sent('reset', email), code, 'Olive-Tagine-77-moon')
  await client.login({ username, password: 'Olive-Tagine-77-moon' })
})

test('links of mails', async () => {
  const p = await person()
  const first = await mailed(digits, p.email), id = await codes.send(p.client, 'verify')
  await codes.verify(p.client, id, await mailed(digits, p.email, first))
  await withApp(p)
  try {
    assert.equal(await links.recovery(p.client), null)
    await server.run('user', 'recover', p.username, '--reason', 'a test')
    assert.equal((await links.recovery(p.client)).by_staff, true)
    await assert.rejects(links.stop(p.client), e => e.code === 'confirm_required' && e.methods.length === 0) // the app is from today
    globalThis.location = { hash: '#' + await mailed(/(?<=\/account\/[\w-]*recovery[\w-]*\/)[\w-]{40,}/, p.email) }
    await links.stopByLink(p.client)
    assert.equal(await links.recovery(p.client), null)
    globalThis.location = { hash: '#' + await mailed(/(?<=\/account\/[\w-]*factor[\w-]*\/)[\w-]{40,}/, p.email) }
    assert.equal((await links.undo(p.client, PASSWORD)).undone, true)
    assert.deepEqual((await factorsOf(p.client).list().catch(e => e)).status, 401) // every session has ended
    globalThis.location = { hash: '#nothing' }
    for (const call of [links.notMe, links.stopByLink, links.finish]) await assert.rejects(call(p.client), e => e.status === 400 && 'token' in e.codes)
  } finally {
    delete globalThis.location
  }
})
