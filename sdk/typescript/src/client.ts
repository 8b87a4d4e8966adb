// The client of the API: its calls, and fetch with the customer's token.

import { openDevices } from './devices.js'
import { errorOf, isText, isYoozakError, YoozakError } from './errors.js'
import { about, failure, reached, within } from './http.js'
import { sleep } from './lock.js'
import { openSession, type Renewal } from './session.js'
import type { State } from './state.js'
import { localStore, type Store } from './store.js'
import { absolute, plain, serverAt, startsAt } from './url.js'
import type {
  AccountEvent, AccountExport, AccountSecurity, Credentials, Device, EmailChange, PasswordChange, PasswordReset, ProfileChange, Registration, ResetRequest, Tokens, User,
} from './types.js'

export interface ClientOptions {
  /** Where the accounts are: `https://accounts.shop.example`. */
  url: string
  /** Where the session is kept. By default the page's localStorage; elsewhere it has to be said. */
  store?: Store | undefined
  /** Two clients of one server on one page have different names. */
  name?: string | undefined
  /** Language of texts, or a function that tells it; by default the page's `lang`. */
  language?: string | (() => string | undefined) | undefined
  /** Most that a call may take, in ms, with every wait and repetition. 20 s by default. */
  timeout?: number | undefined
  /** Other origins whose services take the customer's access token: `['https://api.shop.example']`. */
  origins?: readonly string[] | undefined
  /** Another fetch. */
  fetch?: typeof fetch | undefined
  /** Is told of every answer and failure, without tokens. */
  debug?: ((event: DebugEvent) => void) | undefined
  /** False: tokens are never renewed here. */
  renews?: boolean | undefined
  /** Headers for every request to the server, such as X-Forwarded-For from yours. */
  headers?: Readonly<Record<string, string>> | undefined
}

export interface DebugEvent {
  readonly method: string
  /** Without query. */
  readonly path: string
  /** 0: there was no answer. */
  readonly status: number
}

export interface CallOptions {
  signal?: AbortSignal | undefined
  /** In place of the client's. */
  timeout?: number | undefined
}

export interface Client {
  /** The same object until something changes. */
  state(): State
  /** Calls back after each change, and returns the way to stop that. */
  onChange(listener: (state: State) => unknown): () => void
  /**
   * fetch with the customer's access token, for the server's origin and `origins`; anything else goes out without it. A
   * 401 is repeated once with another token, unless the body is a stream. Redirects are errors unless you say
   * `redirect: 'follow'`. Rejects with `logged_out` when nobody is logged in.
   */
  fetch(input: string | URL | Request, init?: RequestInit): Promise<Response>

  register(fields: Registration, options?: CallOptions): Promise<User>
  login(credentials: Credentials, options?: CallOptions): Promise<User>
  /** Logs out here at once. Resolves to whether the server has heard of it; never rejects. */
  logout(options?: CallOptions): Promise<boolean>
  logoutAll(options?: CallOptions): Promise<void>
  me(options?: CallOptions): Promise<User>
  updateMe(change: ProfileChange, options?: CallOptions): Promise<User>
  sessions(options?: CallOptions): Promise<Device[]>
  endSession(id: string, options?: CallOptions): Promise<void>
  /** The newest 50, or those before an id. */
  events(options?: CallOptions & { before?: number | undefined }): Promise<AccountEvent[]>
  changePassword(fields: PasswordChange, options?: CallOptions): Promise<void>
  /** Resolves whether or not somebody has the address. */
  requestReset(fields: ResetRequest, options?: CallOptions): Promise<void>
  resetPassword(fields: PasswordReset, options?: CallOptions): Promise<void>
  verifyEmail(token: string, options?: CallOptions): Promise<void>
  resendVerification(options?: CallOptions): Promise<void>
  changeEmail(fields: EmailChange, options?: CallOptions): Promise<void>
  confirmEmail(token: string, options?: CallOptions): Promise<void>
  undoEmail(token: string, options?: CallOptions): Promise<void>
  security(options?: CallOptions): Promise<AccountSecurity>
  /** All that is held about the person. */
  export(options?: CallOptions): Promise<AccountExport>
  /** Closes the account; it is erased 30 days later. */
  close(password: string, options?: CallOptions): Promise<void>

  /** The app is in front again: renews what is over. Pages do it by themselves. */
  wake(): void
  /** Stops listening to the page. */
  dispose(): void
}

const REFRESH = 'auth/token/refresh/'
const LIMIT = 20_000 // ms
const REFRESH_LIMIT = 5000 // ms; below the 10 s for which the server repeats an answer whatever happens
const CEILING = 30_000 // ms; who is told to wait longer is told so, and decides

export function createClient(options: ClientOptions): Client {
  const { origin, base } = serverAt(options.url)
  const send = options.fetch ?? ((...args: Parameters<typeof fetch>) => fetch(...args))
  const store = options.store ?? defaultStore()
  const key = 'yoozak.' + (base + '.' + (options.name ?? '')).replace(/[^\w-]+/g, '_')
  const devices = openDevices(store, key + '.devices')
  const listeners = new Set<(state: State) => unknown>()
  const trusted = [origin, ...options.origins ?? []]
  const session = openSession({ store, key, ask: askForTokens, renews: options.renews ?? true, changed })

  // Listeners run when the tokens are stored and the lock is free, and nobody waits for them.
  function changed(state: State) {
    for (const listener of [...listeners]) {
      Promise.resolve().then(() => listeners.has(listener) && listener(state)).catch(e => globalThis.console?.error(e))
    }
  }

  // ---- one request

  interface Asked { body?: unknown; access?: string | undefined; device?: string | undefined; signal: AbortSignal }

  // request sends once, and returns the answer with its body, or throws.
  async function request(method: string, path: string, { body, access, device, signal }: Asked) {
    const headers: Record<string, string> = { ...options.headers }
    const { language: l = page()?.documentElement.lang } = options
    const language = typeof l === 'function' ? l() : l
    if (language) headers['Accept-Language'] = language
    if (body) headers['Content-Type'] = 'application/json'
    if (access) headers.Authorization = 'Bearer ' + access
    if (device) headers['X-Device-Token'] = device
    let status = 0
    try {
      const answer = await reached(send(base + path, {
        method, headers, signal, body: body ? JSON.stringify(body) : null, redirect: 'error', credentials: 'omit', cache: 'no-store',
        keepalive: method !== 'GET', // a page that is left must not lose the answer's effect
      }))
      const text = await reached(answer.text())
      status = answer.status
      let json: unknown
      try {
        json = text ? JSON.parse(text) : undefined
      } catch {
        json = null // a proxy's page, or half an answer
      }
      return { answer, json }
    } finally {
      options.debug?.({ method, path: plain(path), status })
    }
  }

  const errorFrom = ({ answer, json }: { answer: Response; json?: unknown }, method: string, path: string) =>
    errorOf(answer, json, method, plain(path), session.serverTime())

  const badAnswer = (answer: Response, method: string, path: string) =>
    new YoozakError({ code: 'bad_answer', status: answer.status, method, path })

  // askForTokens is the refresh. It is repeated once: the server gives the same refresh token the same successor.
  async function askForTokens(refresh: string): Promise<Renewal> {
    const path = REFRESH
    for (let last = false; ; last = true) {
      try {
        const got = await within(REFRESH_LIMIT, null, signal => request('POST', path, { body: { refresh }, signal }))
        const { answer, json } = got
        const { access, refresh: next } = Object(json) as Partial<Tokens>
        if (answer.ok && isText(access)) return { access, refresh: isText(next) ? next : undefined }
        const error = answer.ok ? badAnswer(answer, 'POST', path) : errorFrom(got, 'POST', path)
        if (error.status === 401 && ['token_not_valid', 'user_not_found', 'user_inactive'].includes(error.code)) return 'refused'
        throw error // a proxy's 401, a code of a newer server: not the server's word that the session is over
      } catch (e) {
        if (last || !isYoozakError(e) || e.status) throw about(e, 'POST', path, false)
      }
      await sleep(100 + Math.random() * 200)
    }
  }

  // ---- with the customer's token

  // authorized makes an attempt with the held token, and once more with another if it was refused.
  async function authorized<T extends { answer: Response }>(attempt: (access: string | undefined) => Promise<T>, repeatable = true): Promise<T> {
    const s = await session.fresh()
    if (!s?.refresh) throw loggedOut()
    let result = await attempt(s.access)
    if (result.answer.headers.get('X-Token-Refresh-Required')) session.hinted(s.access)
    if (result.answer.status !== 401) return result
    const other = await session.after401(s.access)
    if (!other) return result
    if (!repeatable) throw new YoozakError({ code: 'not_repeatable', status: 401 }) // a stream is gone when it was sent
    result.answer.body?.cancel?.().catch(() => {})
    result = await attempt(other.access)
    session.replayed(other.access, result.answer.status !== 401)
    return result
  }

  // limited runs a call within its limit. Its errors say what was asked.
  async function limited<T>(method: string, path: string, { signal, timeout = options.timeout ?? LIMIT }: CallOptions, run: (signal: AbortSignal, note: (access?: string) => void) => Promise<T>, keep?: boolean): Promise<T> {
    let sent = false, used: string | undefined
    try {
      return await within(timeout, signal, signal => run(signal, access => {
        sent = true
        used = access
      }), keep)
    } catch (e) {
      if (used && isYoozakError(e) && e.code === 'timeout') session.suspect(used)
      throw about(e, method, plain(path), sent)
    }
  }

  // A store that cannot be read now does not say that nobody is logged in.
  const loggedOut = () => new YoozakError(session.state().status === 'out' ? { code: 'logged_out', status: 401 } : { code: 'storage' })

  interface How extends CallOptions {
    body?: unknown
    /** Without a token. */
    open?: boolean
    device?: string | undefined
  }

  // call is one call of the API. GETs are repeated while that may help.
  function call<T>(method: string, path: string, { body, open, device, ...o }: How = {}): Promise<{ json: T; answer: Response }> {
    const end = Date.now() + (o.timeout ?? options.timeout ?? LIMIT)
    return limited(method, path, o, async (signal, note) => {
      const attempt = (access?: string) => {
        note(access)
        return request(method, path, { body, access, device, signal })
      }
      for (let tries = 0; ; tries++) {
        let wait = 200 * 2 ** tries * (1 + Math.random())
        try {
          const got = open ? await attempt() : await authorized(attempt)
          if (got.answer.ok && !(got.json === null && method === 'GET')) return { json: got.json as T, answer: got.answer }
          const error = got.answer.ok ? failure('network') : errorFrom(got, method, path)
          wait = Math.max(wait, (error.retryAfter ?? 0) * 1000)
          throw error
        } catch (e) {
          const again = method === 'GET' && tries < 2 && isYoozakError(e) && e.retryable && e.code !== 'timeout' && e.path !== REFRESH
          if (!again || wait > CEILING || Date.now() + wait > end) throw e
        }
        await sleep(wait)
        if (signal.aborted) throw failure('aborted')
      }
    })
  }

  // grant is what registration and login have in common.
  async function grant(path: string, fields: Credentials, o?: CallOptions): Promise<User> {
    const device = await devices.token(fields.username)
    const { json, answer } = await call<Tokens>('POST', path, { ...o, body: fields, open: true, device })
    const { access, refresh, user } = Object(json) as Tokens
    if (!access || !refresh || !user) throw badAnswer(answer, 'POST', path)
    await session.begin({ access, refresh, user })
    await devices.keep([fields.username, user.username, user.email], answer.headers.get('X-Device-Token'))
    return user
  }

  async function profile(method: string, body?: ProfileChange, o?: CallOptions): Promise<User> {
    const g = (await session.current())?.g
    const { json, answer } = await call<User>(method, 'clients/me/', { ...o, body })
    if (!json?.username) throw badAnswer(answer, method, 'clients/me/')
    await session.setUser(json, g)
    return json
  }

  const read = async <T>(path: string, o?: CallOptions) => (await call<T>('GET', path, o)).json
  const act = async (path: string, body?: unknown, o?: How) => { await call('POST', path, { ...o, body }) }

  // once is for tokens that work once: a component that is mounted twice, or a second click, shares the first result.
  let sole: { what: string; result: Promise<void> } | undefined
  function once(path: string, body: object, o?: CallOptions): Promise<void> {
    const what = path + JSON.stringify(body)
    if (sole?.what === what) return sole.result
    const result = act(path, body, { ...o, open: true })
    const mine = sole = { what, result }
    result.catch(() => { if (sole === mine) sole = undefined })
    return result
  }

  // ---- the page

  const offs: (() => void)[] = []
  const on = (target: EventTarget | undefined, name: string, act: (e: any) => void) => {
    if (typeof target?.addEventListener !== 'function') return // React Native has a window without it
    target.addEventListener(name, act)
    offs.push(() => target.removeEventListener(name, act))
  }
  const doc = page()
  if (doc) {
    on(doc, 'visibilitychange', () => doc.visibilityState === 'visible' && session.wake())
    on(globalThis.window, 'pageshow', e => e.persisted && session.wake()) // back from the cache of the Back button, with its old memory
    on(globalThis.window, 'online', () => session.wake(true))
    on(globalThis.window, 'storage', e => (e.key === key || e.key === null) && session.current())
  }

  return {
    state: session.state,
    onChange(listener) {
      listeners.add(listener)
      return () => { listeners.delete(listener) }
    },

    async fetch(input, init = {}) {
      const whole = 'url' in Object(input) ? input as Request : undefined
      const url = absolute(whole ? whole.url : String(input))
      if (!trusted.some(o => startsAt(url, o))) return send(input as string, init)
      const method = (init.method ?? whole?.method ?? 'GET').toUpperCase()
      const body = Object(init.body)
      const stream = 'getReader' in body || Symbol.asyncIterator in body
      // the limit ends with the head of the answer
      const { answer } = await limited(method, url.slice(url.indexOf('/', 8)), { signal: init.signal ?? whole?.signal }, (signal, note) => authorized(async access => {
        note(access)
        const headers = new Headers(init.headers ?? whole?.headers)
        if (access) headers.set('Authorization', 'Bearer ' + access)
        return { answer: await reached(send(whole ? whole.clone() : url, { redirect: 'error', ...init, headers, signal })) }
      }, !stream), true)
      return answer
    },

    register: (fields, o) => grant('auth/register/', fields, o),
    login: (credentials, o) => grant('auth/login/', credentials, o),
    async logout(o) {
      const refresh = await session.end()
      return !refresh || act('auth/logout/', { refresh }, { timeout: 5000, ...o, open: true }).then(() => true, e => e.status === 401)
    },
    async logoutAll(o) {
      await act('auth/logout/all/', undefined, o)
      await session.end()
    },
    me: o => profile('GET', undefined, o),
    updateMe: (change, o) => profile('PATCH', change, o),
    sessions: o => read('auth/sessions/', o),
    endSession: async (id, o) => { await call('DELETE', `auth/sessions/${encodeURIComponent(id)}/`, o) },
    events: ({ before, ...o } = {}) => read('auth/events/' + (before === undefined ? '' : '?before=' + before), o),
    async changePassword(fields, o) {
      const user = (await session.current())?.user
      const { answer } = await call('POST', 'auth/password/change/', { ...o, body: fields })
      const next = answer.headers.get('X-Device-Token')
      if (next && user) await devices.keep([user.username, user.email], next)
    },
    requestReset: (fields, o) => act('auth/password/reset/', fields, { ...o, open: true }),
    resetPassword: (fields, o) => once('auth/password/reset/confirm/', fields, o),
    verifyEmail: (token, o) => once('auth/email/verify/', { token }, o),
    resendVerification: o => act('auth/email/verify/resend/', undefined, o),
    changeEmail: (fields, o) => act('auth/email/change/', fields, o),
    confirmEmail: (token, o) => once('auth/email/change/confirm/', { token }, o),
    undoEmail: (token, o) => once('auth/email/change/undo/', { token }, o),
    security: o => read('clients/me/security/', o),
    export: o => read('clients/me/export/', o),
    async close(password, o) {
      await act('clients/me/close/', { password }, o)
      await session.end()
    },
    wake: () => session.wake(),
    dispose() {
      listeners.clear()
      for (const off of offs.splice(0)) off()
    },
  }
}

// defaultStore is the page's. Anywhere else a store by default would be one customer's session for all who come.
function defaultStore(): Store {
  if (page()) return localStore()
  const refuse = () => {
    throw new YoozakError({ code: 'storage', message: 'no page, no store: use serverClient, secureStore or memoryStore' })
  }
  return { get: () => null, set: refuse, alone: true, fleeting: true }
}

const page = () => globalThis.document as Document | undefined
