// The tarball, as others use it.
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { buildSync } from 'esbuild'
import { rollup } from 'rollup'
import { name, PASSWORD, Server } from './rig.mjs'

const root = join(import.meta.dirname, '..'), modules = join(root, 'node_modules')
let place, files, server, tarball

before(async () => {
  place = mkdtempSync(join(tmpdir(), 'yoozak-package-'))
  const home = join(place, 'node_modules/@yoozak/clients')
  mkdirSync(home, { recursive: true })
  execFileSync('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', place], { cwd: root })
  tarball = join(place, `yoozak-clients-${JSON.parse(readFileSync(join(root, 'package.json'))).version}.tgz`)
  files = execFileSync('tar', ['-tzf', tarball], { encoding: 'utf8' }).trim().split('\n').map(f => f.replace('package/', '')).sort()
  execFileSync('tar', ['-xzf', tarball, '-C', home, '--strip-components=1'])
  mkdirSync(join(place, 'node_modules/@types'))
  for (const m of ['react', 'react-dom', '@types/react', '@types/node', 'csstype', 'undici-types']) symlinkSync(join(modules, m), join(place, 'node_modules', m))
  writeFileSync(join(place, 'package.json'), '{"private": true}')
  server = await Server.start()
})
after(async () => {
  await server?.stop()
  rmSync(place, { recursive: true, force: true })
})

const write = (file, text) => { writeFileSync(join(place, file), text); return join(place, file) }
const run = (...args) => {
  const r = spawnSync(process.execPath, args, { cwd: place, encoding: 'utf8', env: { ...process.env, NODE_PATH: '' } })
  assert.equal(r.status, 0, r.stdout + r.stderr)
  return r.stdout
}

test('what is in it', () => {
  const names = ['client', 'devices', 'errors', 'factors', 'http', 'index', 'lock', 'react', 'server', 'session', 'state', 'store', 'token', 'url']
  const dist = names.flatMap(n => ['.d.ts', '.d.cts', '.js', '.js.map', '.cjs', '.cjs.map'].map(e => `dist/${n}${e}`))
  assert.deepEqual(files, ['LICENSE', 'README.fr.md', 'README.md', ...dist, 'dist/types.d.ts', 'dist/types.d.cts', 'dist/openapi.d.ts', 'dist/openapi.d.cts', 'factors/package.json', 'package.json', 'react/package.json', 'server/package.json'].sort())
  for (const f of files.filter(f => f.endsWith('.map'))) {
    const map = JSON.parse(readFileSync(join(place, 'node_modules/@yoozak/clients', f)))
    assert.equal(map.sourcesContent.length, map.sources.length)
    assert.ok(map.sources.every(s => s.startsWith('../src/')), map.sources.join())
  }
  for (const f of files) assert.ok(!readFileSync(join(place, 'node_modules/@yoozak/clients', f), 'utf8').includes(root), f)
})

test('its shapes and codes are those of the documents', () => {
  execFileSync(process.execPath, [join(root, 'types.mjs'), 'check'])
  const source = readFileSync(join(root, 'src/errors.ts'), 'utf8')
  const codes = [...readFileSync(join(root, '../../docs/errors.md'), 'utf8').matchAll(/^\| `(\w+)` \| \d+/gm)].map(m => m[1])
  assert.ok(codes.length > 30)
  assert.deepEqual(codes.filter(code => !source.includes(`'${code}'`)), [])
})

test('its size', async () => {
  const entry = write('size.js', "import { createClient } from '@yoozak/clients'\nglobalThis.client = createClient({ url: 'https://a.example' })")
  const bundled = buildSync({ entryPoints: [entry], bundle: true, minify: true, format: 'esm', write: false }).outputFiles[0].contents
  const rolled = await rollup({ input: entry, plugins: [{ name: 'find', resolveId: id => id === '@yoozak/clients' ? join(place, 'node_modules/@yoozak/clients/dist/index.js') : null }] })
  const { output: [{ code }] } = await rolled.generate({})
  const small = buildSync({ stdin: { contents: code }, minify: true, format: 'esm', write: false }).outputFiles[0].contents
  const sizes = { esbuild: gzipSync(bundled, { level: 9 }).length, rollup: gzipSync(small, { level: 9 }).length }
  console.log('gzipped bytes', JSON.stringify(sizes))
  for (const size of Object.values(sizes)) assert.ok(size <= 6 * 1024, `${size} bytes`)

  write('unused.js', "import { createClient } from '@yoozak/clients'\nimport * as all from '@yoozak/clients'")
  assert.equal(buildSync({ entryPoints: [join(place, 'unused.js')], bundle: true, minify: true, format: 'esm', write: false, logLevel: 'silent' }).outputFiles[0].contents.length, 0)
  const nothing = await rollup({ input: join(place, 'unused.js'), onwarn() {}, plugins: [{ name: 'find', resolveId: id => id === '@yoozak/clients' ? join(place, 'node_modules/@yoozak/clients/dist/index.js') : null }] })
  assert.equal((await nothing.generate({})).output[0].code.trim(), '')
  const react = buildSync({ stdin: { contents: "export { useAuth } from '@yoozak/clients/react'", resolveDir: place }, bundle: true, format: 'esm', write: false, external: ['react'] }).outputFiles[0].text
  assert.ok(react.length < 1500 && /from "react"/.test(react), react)
})

test('publint and attw find nothing', () => {
  const lint = spawnSync(process.execPath, [join(modules, 'publint/src/cli.js'), '--strict', root], { encoding: 'utf8' })
  assert.equal(lint.status, 0, lint.stdout + lint.stderr)
  assert.match(lint.stdout, /All good/)
  const wrong = spawnSync(process.execPath, [join(modules, '@arethetypeswrong/cli/dist/index.js'), tarball], { encoding: 'utf8' })
  assert.equal(wrong.status, 0, wrong.stdout + wrong.stderr)
})

describe('consumers that run', () => {
  const body = (url, user) => `
const user = '${user}'
;(async () => {
  const client = createClient({ url: '${url}', store: memoryStore() })
  await client.register({ username: user, password: '${PASSWORD}' })
  if ((await client.me()).username !== user) throw new Error('another user')
  const e = await client.login({ username: user, password: 'x' }).catch(e => e)
  if (!(e instanceof YoozakError) || e.status !== 401) throw e
  await client.logout()
  const visitor = serverClient(new Request('http://x/', { headers: { host: 'localhost' } }), { url: '${url}' })
  await visitor.client.login({ username: user, password: '${PASSWORD}' })
  if (visitor.respond(new Response('')).headers.getSetCookie().length < 2) throw new Error('no cookies')
  if (typeof useAuth !== 'function') throw new Error('no hook')
  console.log('left running:', process.getActiveResourcesInfo().filter(r => r === 'Timeout').length)
})()`
  const esm = "import { createClient, memoryStore, YoozakError } from '@yoozak/clients'\nimport { serverClient } from '@yoozak/clients/server'\nimport { useAuth } from '@yoozak/clients/react'\n"
  const cjs = "const { createClient, memoryStore, YoozakError } = require('@yoozak/clients')\nconst { serverClient } = require('@yoozak/clients/server')\nconst { useAuth } = require('@yoozak/clients/react')\n"
  const ends = out => assert.match(out, /left running: 0/) // nothing keeps the process; what fetch itself does, it does without us, too

  test('Node, ES modules', () => ends(run(write('a.mjs', esm + body(server.url, name())))))
  test('Node, CommonJS', () => ends(run(write('b.cjs', cjs + body(server.url, name())))))
  for (const format of ['esm', 'cjs']) {
    test('bundled by esbuild as ' + format, () => {
      const out = join(place, `c.${format === 'esm' ? 'mjs' : 'cjs'}`)
      buildSync({ entryPoints: [write('c-in.mjs', esm + body(server.url, name()))], bundle: true, platform: 'node', format, outfile: out, ...format === 'esm' ? { banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" } } : {} })
      ends(run(out))
    })
  }
  test('with the conditions of React Native, as Metro takes them', () => {
    const out = join(place, 'd.cjs')
    buildSync({ entryPoints: [write('d-in.mjs', esm.replace(/.*server.*\n/, '') + "import { serverClient } from '@yoozak/clients/server'\n" + body(server.url, name()))], bundle: true, platform: 'node', format: 'cjs', conditions: ['react-native', 'require'], outfile: out })
    ends(run(out))
  })
  test('by folders, without package exports', () => {
    write('e.cjs', cjs.replace("'@yoozak/clients'", "'./node_modules/@yoozak/clients/dist/index.cjs'").replace("'@yoozak/clients/server'", "'./node_modules/@yoozak/clients/server'").replace("'@yoozak/clients/react'", "'./node_modules/@yoozak/clients/react'") + body(server.url, name()))
    ends(run(join(place, 'e.cjs')))
  })
  test('the directive of the hook survives', () => {
    for (const f of ['react.js', 'react.cjs']) assert.match(readFileSync(join(place, 'node_modules/@yoozak/clients/dist', f), 'utf8'), /^("use strict";\n)?"use client"/)
  })
  test('an import touches nothing', () => {
    write('f.mjs', "for (const n of ['localStorage', 'navigator', 'document', 'window']) Object.defineProperty(globalThis, n, { configurable: true, get() { throw new Error(n) } })\nawait import('@yoozak/clients'); await import('@yoozak/clients/server')")
    run(join(place, 'f.mjs'))
  })
})

describe('types', () => {
  const code = readFileSync(join(root, 'test/guide.ts'), 'utf8')
  const strict = { strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, skipLibCheck: false, noEmit: true }
  const dom = { lib: ['ES2020', 'DOM'], types: [] }, node = { lib: ['ES2022'], types: ['node'] }
  const esm = { module: 'NodeNext', moduleResolution: 'NodeNext' }, bundler = { module: 'ESNext', moduleResolution: 'bundler' }
  const configs = {
    'nodenext, DOM': ['ts', 'mts', { ...esm, ...dom }], 'nodenext, Node': ['ts', 'mts', { ...esm, ...node }], 'nodenext, CommonJS': ['ts', 'cts', { ...esm, ...dom }],
    'node16, DOM': ['ts', 'mts', { module: 'Node16', moduleResolution: 'Node16', ...dom }], 'node16, CommonJS, Node': ['ts', 'cts', { module: 'Node16', moduleResolution: 'Node16', ...node }],
    'bundler, DOM': ['ts', 'ts', { ...bundler, ...dom }], 'bundler, verbatim': ['ts', 'ts', { ...bundler, ...dom, verbatimModuleSyntax: true }], 'node10': ['ts', 'ts', { module: 'CommonJS', moduleResolution: 'node10', ...dom }],
    '5.0, nodenext': ['ts50', 'mts', { ...esm, ...dom }], '5.0, bundler': ['ts50', 'ts', { ...bundler, ...dom }], '5.0, node10': ['ts50', 'ts', { module: 'CommonJS', moduleResolution: 'node10', ...dom }],
    '7, nodenext': ['ts7', 'mts', { ...esm, ...dom }], '7, bundler, Node': ['ts7', 'ts', { ...bundler, ...node }],
  }
  const compiler = { ts: 'typescript', ts50: 'typescript-5.0', ts7: 'typescript-7' }
  let i = 0
  for (const [what, [version, ending, options]] of Object.entries(configs)) {
    test(what, () => {
      const file = write(`guide${i}.${ending}`, code)
      const config = write(`tsconfig${i++}.json`, JSON.stringify({ compilerOptions: { target: 'ES2020', ...strict, ...options }, files: [file] }))
      const r = spawnSync(process.execPath, [join(modules, compiler[version], 'bin/tsc'), '-p', config], { cwd: place, encoding: 'utf8' })
      assert.equal(r.status, 0, r.stdout + r.stderr)
    })
  }
})
