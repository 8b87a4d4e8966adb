// TanStack Query with its default of refetching and the README's `retry`, in Chromium.
import assert from 'node:assert/strict'
import { accessSync } from 'node:fs'
import http from 'node:http'
import { after, before, test } from 'node:test'
import { buildSync } from '../../sdk/typescript/node_modules/esbuild/lib/main.js'
import { chromium } from '../../sdk/typescript/node_modules/playwright-core/index.mjs'
import { isMe, name, PASSWORD, Proxy, Server, until } from '../../sdk/typescript/test/rig.mjs'
import { readFileSync } from 'node:fs'
import { newConsumer } from './consumer.mjs'

const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(path => {
  try { accessSync(path); return true } catch { return false }
})
let shop, consumer, server, browser
before(async () => {
  consumer = newConsumer()
  const entryPoints = [consumer.write('page.jsx', readFileSync(new URL('query-page.jsx', import.meta.url)))]
  const script = buildSync({ entryPoints, bundle: true, write: false, format: 'esm', jsx: 'automatic', define: { 'process.env.NODE_ENV': '"development"' } }).outputFiles[0].text
  shop = http.createServer((req, res) => req.url === '/page.js' ? res.writeHead(200, { 'Content-Type': 'text/javascript' }).end(script)
    : res.writeHead(200, { 'Content-Type': 'text/html' }).end('<!doctype html><html lang="fr"><meta charset="utf-8"><title>shop</title><div id="root"></div><script type="module" src="/page.js"></script>'))
  await new Promise(done => shop.listen(0, '127.0.0.1', done))
  server = await Server.start({ YOOZAK_REFRESH_ROTATION: 'true' })
  browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
})
after(async () => {
  await browser?.close()
  shop?.closeAllConnections()
  shop?.close()
  await server?.stop()
  consumer?.remove()
})

test('a session that the server ends costs twelve queries thirteen requests and one event; the next person sees nothing of the first', async () => {
  const proxy = await Proxy.start(server.url)
  const page = await (await browser.newContext()).newPage()
  page.setDefaultTimeout(120_000) // a machine that runs everything at once is slow, and no test is about that
  const complaints = []
  page.on('console', m => m.type() === 'error' && !/Failed to load resource/.test(m.text()) && complaints.push(m.text()))
  page.on('pageerror', e => complaints.push(String(e)))
  await page.goto(`http://127.0.0.1:${shop.address().port}/?url=${encodeURIComponent(proxy.url)}`)
  const [a, b] = ['Amina', 'Salma'].map(first_name => ({ username: name(), password: PASSWORD, first_name }))
  const shows = text => page.waitForFunction(text => [...document.querySelectorAll('p')].map(p => p.innerText).join() === text, text)
  const twelve = text => Array(12).fill(text).join()

  await page.evaluate(a => client.register(a), a)
  await shows(twelve('Amina'))
  await server.run('user', 'disable', a.username)
  await page.evaluate(() => { events.length = 0 })
  proxy.reset()
  await page.evaluate(() => { queries.invalidateQueries() })
  await shows('login')
  assert.ok(proxy.seen.length <= 13, `${proxy.seen.length} requests`)
  assert.deepEqual(await page.evaluate(() => events), ['out ended'])
  const failed = await page.evaluate(() => client.me().catch(e => [e.code, e.retryable]))
  assert.deepEqual(failed, ['logged_out', false])
  assert.ok(proxy.seen.length <= 13, `${proxy.seen.length} requests`)

  await page.evaluate(() => { frames_.length = 0 })
  await page.evaluate(b => client.register(b), b)
  await shows(twelve('Salma'))
  const frames = await page.evaluate(() => frames_)
  assert.ok(frames.length > 0 && frames.every(text => !text.includes('Amina')), frames.join('\n--\n'))

  // In another tab somebody else logs in: here one person follows the other without a page between them.
  await server.run('user', 'enable', a.username)
  const other = await page.context().newPage()
  await other.goto(page.url())
  await page.evaluate(() => { frames_.length = 0 })
  await other.evaluate(a => client.login(a), a)
  await shows(twelve('Amina'))
  const next = await page.evaluate(() => frames_)
  for (const text of next) assert.ok(!(text.includes('Amina') && text.includes('Salma')), text)
  const change = next.findIndex(text => text.includes('Amina'))
  assert.ok(change >= 0 && next.slice(change).every(text => !text.includes('Salma')), next.join('\n--\n'))

  proxy.reset()
  await page.evaluate(async () => { // a new token renders nobody and asks nothing again
    for (const key of Object.keys(localStorage)) if (localStorage[key].startsWith('{')) localStorage[key] = JSON.stringify({ ...JSON.parse(localStorage[key]), access: 'not.good.more' })
    frames_.length = 0
    await client.sessions()
  })
  assert.deepEqual([proxy.refreshes, proxy.seen.filter(isMe).length, await page.evaluate(() => frames_.length)], [1, 0, 0])
  assert.deepEqual(complaints, [])
  await until('the other tab is there too', () => other.evaluate(() => document.body.innerText.includes('Amina')))
  proxy.close()
})
