// The client's tarball in the hands of the tools that shops have: webpack, Metro with Hermes, Jest.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { name, PASSWORD, Server } from '../../sdk/typescript/test/rig.mjs'
import { modules, newConsumer } from './consumer.mjs'

const require = createRequire(import.meta.url)
let consumer, server
before(async () => {
  consumer = newConsumer()
  server = await Server.start({ YOOZAK_REFRESH_ROTATION: 'true' })
})
after(async () => {
  await server?.stop()
  consumer?.remove()
})

// visit is what each of them has to do in the end.
const visit = (url, user) => `
const user = '${user}'
async function visit() {
  const client = createClient({ url: '${url}', store: memoryStore() })
  await client.register({ username: user, password: '${PASSWORD}', first_name: 'أمينة' })
  if ((await client.me()).first_name !== 'أمينة') throw new Error('another user')
  const e = await client.login({ username: user, password: 'x' }).catch(e => e)
  if (!(e instanceof YoozakError) || !isYoozakError(e) || e.status !== 401 || e.code !== 'invalid_credentials') throw e
  if (!await client.logout()) throw new Error('not logged out')
  if (typeof useAuth !== 'function') throw new Error('no hook')
  return 'salam ' + user
}`
const esm = "import { createClient, isYoozakError, memoryStore, YoozakError } from '@yoozak/clients'\nimport { useAuth } from '@yoozak/clients/react'\n"
const cjs = "const { createClient, isYoozakError, memoryStore, YoozakError } = require('@yoozak/clients')\nconst { useAuth } = require('@yoozak/clients/react')\n"

const run = (command, args, options = {}) => {
  const r = spawnSync(command, args, { cwd: consumer.place, encoding: 'utf8', timeout: 300_000, ...options })
  assert.equal(r.status, 0, `${command} ${args.join(' ')}\n${r.error ?? ''}${r.stdout}${r.stderr}`)
  return r.stdout + r.stderr
}

describe('webpack', () => {
  const webpack = options => new Promise((done, failed) => require('webpack')({ mode: 'production', context: consumer.place, ...options }, (e, stats) =>
    e ? failed(e) : stats.hasErrors() || stats.hasWarnings() ? failed(new Error(stats.toString())) : done(stats)))

  for (const [what, source, ending] of [['ES modules', esm, 'mjs'], ['CommonJS', cjs, 'cjs']]) {
    test(what + ', for Node, run', async () => {
      const user = name()
      const entry = consumer.write('w.' + ending, source + visit(server.url, user) + '\nvisit().then(console.log)')
      await webpack({ entry, target: 'node', output: { path: consumer.place, filename: 'w-out.cjs' } })
      assert.match(run(process.execPath, ['w-out.cjs']), new RegExp('salam ' + user))
    })
  }

  test('for pages: what is not used is not there', async () => {
    const entry = consumer.write('page.mjs', "import { createClient } from '@yoozak/clients'\nglobalThis.client = createClient({ url: 'https://a.example' })")
    await webpack({ entry, target: 'web', output: { path: consumer.place, filename: 'page-out.js' } })
    const code = readFileSync(join(consumer.place, 'page-out.js'), 'utf8')
    assert.ok(code.includes('token/refresh') && !code.includes('__Host-') && !code.includes('useSyncExternalStore'))
    const unused = consumer.write('unused.mjs', "import { createClient } from '@yoozak/clients'\nglobalThis.shop = 1")
    await webpack({ entry: unused, target: 'web', output: { path: consumer.place, filename: 'unused-out.js' } })
    assert.equal(readFileSync(join(consumer.place, 'unused-out.js'), 'utf8'), '(()=>{"use strict";globalThis.shop=1})();')
  })
})

describe('Jest', () => {
  for (const environment of ['node', 'jsdom']) {
    test(environment, () => {
      const user = name(), folder = join(consumer.place, 'jest-' + environment)
      mkdirSync(folder, { recursive: true })
      writeFileSync(join(folder, 'package.json'), '{"private": true}')
      writeFileSync(join(folder, 'client.test.js'), `${environment === 'jsdom' ? `/** @jest-environment ${require.resolve('jest-environment-jsdom')} */\n` : ''}
${cjs}const { act, createElement } = require('react')
const lasting = createClient({ url: 'https://a.example', store: memoryStore() })
const Who = () => createElement('p', null, useAuth(lasting).status)
${visit(server.url, user)}
${environment === 'node' ? `test('a visit', async () => { expect(await visit()).toBe('salam ' + user) })` : `
test('a page', async () => { // jsdom has no fetch: one is given, as in a test of a shop
  const asked = []
  const client = createClient({ url: 'https://a.example', fetch: async url => { asked.push(url); throw new TypeError('offline') } })
  expect(client.state()).toMatchObject({ status: 'out', persistent: true })
  const e = await client.login({ username: 'a', password: 'b' }).catch(e => e)
  expect([isYoozakError(e), e.code, asked]).toEqual([true, 'network', ['https://a.example/api/clients/auth/login/']])
  client.dispose()
})`}
${environment === 'node' ? `
const { renderToString } = require('react-dom/server')
test('the hook', () => { expect(renderToString(createElement(Who))).toBe('<p>unknown</p>') })` : `
const { createRoot } = require('react-dom/client')
globalThis.IS_REACT_ACT_ENVIRONMENT = true
test('the hook', () => {
  const box = document.createElement('div')
  act(() => createRoot(box).render(createElement(Who)))
  expect(box.innerHTML).toBe('<p>out</p>')
})`}`)
      const out = run(process.execPath, [require.resolve('jest/bin/jest'), '--rootDir', folder, '--no-cache', '--watchman=false'], { cwd: folder })
      assert.match(out, /2 passed/)
      assert.doesNotMatch(out, /did not exit/)
    })
  }
})

describe('React Native', () => {
  let answers, want, user
  before(async () => { // the day on a telephone, played by Node against the server
    user = name()
    answers = []
    const flow = require('./flow.cjs'), sdk = createRequire(join(consumer.place, 'x.js'))('@yoozak/clients')
    want = await flow(sdk, server.url, user, PASSWORD, async (url, init) => {
      const a = await fetch(url, init)
      const body = await a.text()
      answers.push({ asked: [init.method ?? 'GET', url, new Headers(init.headers).has('authorization'), typeof init.body === 'string'].join(), status: a.status, headers: [...a.headers], body })
      return new Response(body || null, a)
    })
    assert.deepEqual(JSON.parse(want), [
      'unknown', 'أمينة', 'أمينة', 200, true, true, true, 'YoozakError', 401, 'invalid_credentials', true, 400, 'invalid', 'username,email', 'invalid',
      'aborted', 'bad_url', true, 'out', 'logged_out', 'logout', 'out>in',
    ])
    consumer.write('flow.js', readFileSync(new URL('flow.cjs', import.meta.url)))
    consumer.write('index.js', `import './telephone'
import * as sdk from '@yoozak/clients'
import { useAuth } from '@yoozak/clients/react'
import flow from './flow'
flow(sdk, ${JSON.stringify(server.url)}, ${JSON.stringify(user)}, ${JSON.stringify(PASSWORD)}).then(said => print(said, typeof useAuth), e => print('failed', e.stack))`)
    consumer.write('telephone.js', readFileSync(new URL('telephone.js', import.meta.url)))
    const preset = [require.resolve('@react-native/babel-preset'), { enableBabelRuntime: false }]
    consumer.write('babel.config.js', `module.exports = api => {
  api.cache.using(() => process.env.SHOP_LOWERED)
  return { presets: ${JSON.stringify([preset])}, plugins: process.env.SHOP_LOWERED ? ${JSON.stringify([require.resolve('@babel/plugin-transform-classes')])} : [] }
}`)
  })

  // bundle is Metro's, with or without a look at "exports" in package.json. React Native of 2022 lowered classes, that of today does not.
  async function bundle({ exports, lowered }) {
    const Metro = require('metro'), { getDefaultConfig, mergeConfig } = require('metro-config')
    process.env.SHOP_LOWERED = lowered ? 'yes' : ''
    const config = mergeConfig(await getDefaultConfig(consumer.place), {
      projectRoot: consumer.place, watchFolders: [consumer.place, modules], maxWorkers: 1, cacheStores: [], reporter: { update() {} },
      resolver: {
        useWatchman: false, nodeModulesPaths: [join(consumer.place, 'node_modules'), modules], platforms: ['android'],
        unstable_enablePackageExports: exports, unstable_conditionNames: ['react-native'], resolverMainFields: ['react-native', 'browser', 'main'],
      },
    })
    const file = join(consumer.place, `bundle-${exports}-${lowered}.js`)
    const { code } = await Metro.runBuild(config, { entry: 'index.js', platform: 'android', dev: true, minify: false, out: file })
    const taken = [...code.matchAll(/"node_modules\/@yoozak\/clients\/([^"]+)"/g)].map(m => m[1])
    assert.ok(taken.includes('dist/index.cjs') && taken.includes('dist/react.cjs') && taken.every(f => f.endsWith('.cjs')), taken.join()) // what every Hermes can read
    return file
  }

  for (const exports of [true, false]) {
    test(`Metro ${exports ? 'with' : 'without'} package exports; Hermes of 2022 runs what it made`, async () => {
      const file = await bundle({ exports, lowered: true })
      writeFileSync(file, `globalThis.ANSWERS = ${JSON.stringify(answers)};\n` + readFileSync(file, 'utf8'))
      const said = run(join(modules, 'hermes-engine-cli/linux64-bin/hermes'), ['-w', '-Xmicrotask-queue', file])
      assert.equal(said.trim(), want + ' function')
    })
  }

  test('Hermes of today compiles what React Native of today makes', async () => {
    const file = await bundle({ exports: true, lowered: false })
    assert.ok(readFileSync(file, 'utf8').includes('class YoozakError')) // it was not lowered
    run(join(modules, 'hermes-compiler/hermesc/linux64-bin/hermesc'), ['-w', '-emit-binary', '-out', file + '.hbc', file])
    assert.ok(existsSync(file + '.hbc'))
  })

  test('no file of the client has what a telephone cannot read, or takes for granted what it has not', () => {
    const dist = join(consumer.place, 'node_modules/@yoozak/clients/dist')
    for (const file of ['client', 'devices', 'errors', 'http', 'index', 'lock', 'react', 'session', 'state', 'store', 'token', 'url'].map(f => f + '.cjs')) {
      const code = readFileSync(join(dist, file), 'utf8')
      for (const word of [/\bimport\s*\(/, /^await /m, /#\w+\s+in\b/, /\?\?=|\|\|=|&&=/, /\(\?<[=!]/, /\bstatic\s*\{/, /\bnew URL\b/, /\batob\b/, /TextDecoder/, /AbortSignal\./, /structuredClone/, /BroadcastChannel/, /crypto\./, /\.at\(/, /replaceAll/, /WeakRef/]) {
        assert.doesNotMatch(code.replace(/\/\/.*$/gm, '').replace(/\/\*[^]*?\*\//g, ''), word, file)
      }
    }
  })
})
