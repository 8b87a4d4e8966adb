// What the tests stand on: the built server (YOOZAK_BINARY), and a proxy before it that fails as networks do.
import { spawn } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { mkdtempSync, readFileSync } from 'node:fs'
import http from 'node:http'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export const PASSWORD = 'kV7#pazouk-42lemon'
export const sleep = ms => new Promise(done => setTimeout(done, ms))
export const LONG = !!process.env.YOOZAK_TEST_LONG

const free = () => new Promise(done => {
  const s = http.createServer().listen(0, '127.0.0.1', () => { const { port } = s.address(); s.close(() => done(port)) })
})

// until waits for what happens, not for a time.
export async function until(what, condition, patience = 60_000) {
  for (const end = Date.now() + patience; Date.now() < end; await sleep(20)) if (await condition()) return
  throw new Error(`never: ${what}`)
}

export class Server {
  static async start(env = {}) {
    const s = new Server()
    s.folder = mkdtempSync(join(tmpdir(), 'yoozak-sdk-'))
    s.port = await free()
    s.url = 'http://127.0.0.1:' + s.port
    s.env = {
      PATH: process.env.PATH, HOME: s.folder, YOOZAK_LISTEN: '127.0.0.1:' + s.port, YOOZAK_DATABASE_URL: 'sqlite:yoozak.db', YOOZAK_MIGRATE: 'auto',
      YOOZAK_DRAIN: '0s', YOOZAK_INSECURE_FAST_HASH: 'true', YOOZAK_ARGON2_MEMORY: '64', YOOZAK_ARGON2_TIME: '1', YOOZAK_HASH_WAIT: '20s',
      YOOZAK_CORS_LOOPBACK: 'true', YOOZAK_MAIL_FOLDER: join(s.folder, 'mails'), ...env,
    }
    await s.launch()
    return s
  }

  async launch(env = {}) {
    this.process = spawn(process.env.YOOZAK_BINARY, ['serve'], { cwd: this.folder, env: { ...this.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
    this.log = ''
    for (const s of [this.process.stdout, this.process.stderr]) s.on('data', d => { this.log += d })
    this.ended = new Promise(done => this.process.on('exit', done))
    await until('the server is ready\n' + this.log, async () => this.process.exitCode !== null
      ? Promise.reject(new Error(this.log)) : fetch(this.url + '/readyz').then(r => r.ok, () => false))
  }

  async stop() {
    this.process.kill('SIGTERM')
    await this.ended
  }

  run(...args) { // another command of the program, on the same database
    return new Promise((done, failed) => {
      const p = spawn(process.env.YOOZAK_BINARY, args, { cwd: this.folder, env: this.env, stdio: ['ignore', 'pipe', 'pipe'] })
      let out = ''
      for (const s of [p.stdout, p.stderr]) s.on('data', d => { out += d })
      p.on('exit', code => code ? failed(new Error(out)) : done(out))
    })
  }
}

/**
 * Proxy stands before a server. `fault(req)` says what happens to a request, or nothing:
 *   {delay: ms}       before the server has it
 *   {late: ms}        the answer, after the server has acted
 *   {swallow: true}   the server acts, the connection breaks before the answer
 *   {refuse: true}    the connection breaks at once
 *   {hole: true}      nothing comes back, ever
 *   {replace: {status, headers, body}}   in place of the server's answer, which it does not see
 *   {cut: true}       half of the body
 */
export class Proxy {
  static async start(target, fault) {
    const p = new Proxy()
    p.target = target
    p.fault = fault ?? (() => undefined)
    p.seen = [] // every request: {method, path, headers, body, status, at}
    p.isDown = false
    p.server = http.createServer((req, res) => p.handle(req, res).catch(() => res.destroy()))
    p.server.on('connection', s => { if (p.isDown) s.destroy() })
    p.server.keepAliveTimeout = 60_000
    await new Promise(done => p.server.listen(0, '127.0.0.1', done))
    p.url = 'http://127.0.0.1:' + p.server.address().port
    return p
  }

  async handle(req, res) {
    if (this.isDown) return void req.socket.destroy()
    const chunks = []
    for await (const c of req) chunks.push(c)
    const body = Buffer.concat(chunks)
    const record = { method: req.method, path: req.url, headers: req.headers, body: body.toString('latin1'), at: Date.now(), status: 0 }
    if (req.method !== 'OPTIONS') this.seen.push(record)
    const f = req.method === 'OPTIONS' ? {} : this.fault(record) ?? {}
    if (f.hole) return
    if (f.refuse) return void req.socket.destroy()
    if (f.delay) await sleep(f.delay)
    if (f.replace) {
      record.status = f.replace.status
      const allow = req.headers.origin ? { 'Access-Control-Allow-Origin': req.headers.origin, 'Access-Control-Expose-Headers': 'Retry-After, X-Error-Code, X-Request-Id, X-Token-Refresh-Required' } : {}
      res.writeHead(f.replace.status, { 'Content-Type': 'application/json', ...allow, ...f.replace.headers })
      return void res.end(typeof f.replace.body === 'string' ? f.replace.body : JSON.stringify(f.replace.body ?? {}))
    }
    const answer = await new Promise((done, failed) => {
      const up = http.request(this.target + req.url, { method: req.method, headers: { ...req.headers, host: new URL(this.target).host }, agent: false }, r => {
        const parts = []
        r.on('data', d => parts.push(d)).on('end', () => done({ status: r.statusCode, headers: r.headers, body: Buffer.concat(parts) }))
      }).on('error', failed)
      up.end(body)
    })
    record.status = answer.status
    if (f.late) await sleep(f.late)
    if (f.swallow) return void req.socket.destroy()
    delete answer.headers.connection
    delete answer.headers['keep-alive']
    if (f.headers) Object.assign(answer.headers, f.headers)
    res.writeHead(answer.status, answer.headers)
    if (!f.cut) return void res.end(answer.body)
    res.write(answer.body.subarray(0, answer.body.length / 2))
    setTimeout(() => req.socket.destroy(), 20)
  }

  count(path, method) { return this.seen.filter(r => r.path.includes(path) && (!method || r.method === method)).length }
  get refreshes() { return this.count('token/refresh/') }
  reset() { this.seen = [] }
  down() { this.isDown = true; this.server.closeAllConnections() }
  up() { this.isDown = false }
  close() { this.server.closeAllConnections(); this.server.close() }
}

export const isRefresh = r => r.path.endsWith('/token/refresh/')
export const isMe = r => r.path.endsWith('/clients/me/')

// An authenticator app: each code is of a later time than the one before, because none is taken twice.
export class App {
  constructor(secret) {
    const bits = [...secret].map(c => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c).toString(2).padStart(5, '0')).join('')
    this.key = Buffer.from(bits.match(/.{8}/g).map(b => parseInt(b, 2)))
    this.step = 0
  }
  code() {
    this.step = Math.max(Math.floor(Date.now() / 30_000), this.step + 1)
    const time = Buffer.alloc(8)
    time.writeUInt32BE(this.step, 4)
    const mac = createHmac('sha1', this.key).update(time).digest()
    return String((mac.readUInt32BE(mac[19] & 15) & 0x7fffffff) % 1e6).padStart(6, '0')
  }
}

/** Mailbox takes every mail, as an SMTP server does. */
export class Mailbox {
  static async start() {
    const m = new Mailbox()
    m.raw = []
    m.server = net.createServer(socket => {
      let text = '', data = false
      const say = line => socket.write(line + '\r\n')
      socket.setEncoding('latin1').on('error', () => {}).on('data', chunk => {
        text += chunk
        for (let end; (end = text.indexOf(data ? '\r\n.\r\n' : '\r\n')) >= 0;) {
          const part = text.slice(0, end)
          text = text.slice(end + (data ? 5 : 2))
          if (data) m.raw.unshift(part.replace(/^\.\./gm, '.'))
          data = !data && /^DATA/i.test(part)
          if (/^QUIT/i.test(part)) return void socket.end('221 bye\r\n')
          say(data ? '354 go on' : '250 ok')
        }
      })
      say('220 mailbox')
    })
    await new Promise(done => m.server.listen(0, '127.0.0.1', done))
    m.env = { YOOZAK_SMTP_URL: 'smtp://127.0.0.1:' + m.server.address().port + '?tls=none', YOOZAK_MAIL_FROM: 'bonjour@yoozak.example', YOOZAK_MAIL_FOLDER: '', YOOZAK_PUBLIC_URL: 'http://localhost' }
    return m
  }

  /** The plain texts of the mails to an address, the newest first. */
  to(address) {
    return this.raw.filter(raw => raw.includes(address)).map(raw => {
      const [, head, body] = /(Content-Type: text\/plain[^]*?)\r\n\r\n([^]*?)\r\n--/.exec(raw)
      if (/base64/i.test(head)) return Buffer.from(body, 'base64').toString()
      return Buffer.from(body.replace(/=\r\n/g, '').replace(/=([\dA-F]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16))), 'latin1').toString()
    })
  }

  close() { this.server.close() }
}

/** guide is a block of code of docs/NAME.md by its mark: <!-- run: BLOCK -->. test/browser holds that it is the same in French. */
export const guide = (document, block) =>
  new RegExp(`<!-- run: ${block} -->\n\`\`\`js\n([^]*?)\`\`\``).exec(readFileSync(new URL(`../../../docs/${document}.md`, import.meta.url), 'utf8'))[1]

let names = 0
export const name = () => `amina${process.pid}x${names++}`

/** A store that several clients share, as tabs do, and that a test looks into. */
export function sharedStore(held = new Map()) {
  return { held, get: key => held.get(key) ?? null, set: (key, value) => { held.set(key, value) } }
}
export const sessionOf = store => {
  const text = [...store.held].find(([key]) => !/\.(device\.\w+|lease)$/.test(key))?.[1]
  return text ? JSON.parse(text) : null
}
