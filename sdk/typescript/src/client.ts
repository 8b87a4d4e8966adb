// The client of the API: its calls, and fetch with the customer's token.

import { keyOf, openDevices } from './devices.js'
import { errorOf, isText, isYoozakError, YoozakError, type ConfirmRequired } from './errors.js'
import { about, failure, reached, within } from './http.js'
import { sleep } from './lock.js'
import { openSession, type Renewal } from './session.js'
import type { State } from './state.js'
import { localStore, memoryStore, type Store, type Stored } from './store.js'
import { absolute, originOf, plain, serverAt } from './url.js'
import type {
  AccountEvent, AccountExport, AccountSecurity, Credentials, Device, EmailChange, PasswordChange, PasswordReset, ProfileChange, Proof, Registration, ResetRequest, SecondStep, Tokens, User,
} from './types.js'

export interface ClientOptions {
  /** Where the accounts are: `https://accounts.shop.example`. */
  url: string
  /** Where the session is kept. By default the page's localStorage; elsewhere it has to be said. */
  store?: Store | undefined
  /** Two clients of one server on one page have different names. */
  name?: string | undefined
  /** Language of texts; by default the page's `lang`. It is read for each call, so it may be a getter. */
  readonly language?: string | undefined
  /** Most that a call may take, in ms, with every wait and repetition, but for that of `onConfirmRequired`. 20 s by default. */
  timeout?: number | undefined
  /** Most that a `Retry-After` makes the client wait, in ms; who would wait longer gets the error with the seconds. 60 s by default. */
  longestWait?: number | undefined
  /** Other origins whose services take the customer's access token: `['https://api.shop.example']`. */
  origins?: readonly string[] | undefined
  /** Another fetch. */
  fetch?: typeof fetch | undefined
  /** Is told of every answer and failure, without tokens. */
  debug?: ((event: DebugEvent) => void) | undefined
  /**
   * Is asked when a call needs a proof that it is the person: show a form for one of `methods`, call `confirm`, and
   * resolve to true: the call is made once more. It waits without its `timeout`, and until its signal is aborted. Without
   * it the call rejects with `confirm_required`.
   */
  onConfirmRequired?: ((error: ConfirmRequired) => Promise<boolean>) | undefined
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
  /** Rejects with `second_factor_required` where a second factor is due: see `isSecondFactorRequired`. */
  login(credentials: Credentials, options?: CallOptions): Promise<User>
  /** Goes on with a login that waits, with its challenge and one factor. */
  loginSecond(step: SecondStep, options?: CallOptions): Promise<User>
  /** Shows again that it is the person: by one of the `methods` of `confirm_required`. */
  confirm(proof: Proof, options?: CallOptions): Promise<void>
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

  /** A call of the API without a method here, below /api/clients/; tokens in its answer become the session. */
  call<T = unknown>(method: string, path: string, body?: unknown, options?: CallOptions & { open?: boolean | undefined }): Promise<T>

  /** The app is in front again: renews what is over. Pages do it by themselves. */
  wake(): void
  /** Stops listening to the page. */
  dispose(): void
}

const REFRESH = 'auth/token/refresh/'
const CONFIRM = 'auth/confirm/'
const LIMIT = 20_000 // ms
const REFRESH_LIMIT = 5000 // ms; below the 10 s for which the server repeats an answer whatever happens
const CEILING = 60_000 // ms; a proxy may name a day

export function createClient(options: ClientOptions): Client {
  const servers = [options.url, ...options.origins ?? []].map(serverAt), { base } = servers[0]!
  const send = options.fetch ?? ((...args: Parameters<typeof fetch>) => fetch(...args))
  const store = options.store ?? defaultStore()
  const key = 'yoozak.' + (base + '.' + keyOf(options.name)).replace(/[^\w-]+/g, '_')
  const devices = openDevices(store, key)
  let named = '' // by the last login, which may wait for its second step
  const listeners = new Set<(state: State) => unknown>()
  const limit = options.timeout ?? LIMIT, ceiling = options.longestWait ?? CEILING
  const session = openSession({ store, key, ask: askForTokens, renews: options.renews ?? true, ceiling, changed })

  // Listeners run when the tokens are stored and the lock is free, and nobody waits for them.
  function changed(state: State) {
    for (const listener of listeners) Promise.resolve().then(() => listeners.has(listener) && listener(state)).catch(console.error)
  }

  // ---- one request

  interface Asked { body?: unknown; by?: Stored | undefined; more?: Record<string, string> | undefined; signal: AbortSignal }

  // request sends once, and returns the answer with its body, or throws.
  async function request(method: string, path: string, { body, by, more, signal }: Asked) {
    const headers: Record<string, string> = { ...options.headers, ...more }
    const language = options.language ?? page()?.documentElement.lang
    if (language) headers['Accept-Language'] = language
    if (body) headers['Content-Type'] = 'application/json'
    if (by?.access) headers.Authorization = 'Bearer ' + by.access
    let status = 0
    try {
      const answer = await reached(send(base + path, {
        method, headers, signal, body: JSON.stringify(body), redirect: 'error', credentials: 'omit', cache: 'no-store',
        keepalive: method !== 'GET', // a page that is left must not lose the answer's effect
      }))
      const text = await reached(answer.text())
      status = answer.status
      let json: unknown
      try {
        json = JSON.parse(text)
      } catch {
        if (text) json = null // a proxy's page, or half an answer
      }
      return { answer, json, by }
    } finally {
      options.debug?.({ method, path: plain(path), status })
    }
  }

  const errorFrom = ({ answer, json }: { answer: Response; json?: unknown }) => errorOf(answer, json, session.serverTime())

  const badAnswer = ({ status }: Response) => new YoozakError({ code: 'bad_answer', status })

  // askForTokens is the refresh. It is repeated once: the server gives the same refresh token the same successor.
  async function askForTokens(refresh: string): Promise<Renewal> {
    const path = REFRESH
    for (let last = false; ; last = true) {
      try {
        const got = await within(REFRESH_LIMIT, null, signal => request('POST', path, { body: { refresh }, signal }))
        const { answer, json } = got
        const { access, refresh: next } = Object(json) as Partial<Tokens>
        if (answer.ok && isText(access)) return { access, refresh: isText(next) ? next : undefined }
        const error = answer.ok ? badAnswer(answer) : errorFrom(got)
        if (error.status === 401 && ['token_not_valid', 'user_not_found', 'user_inactive'].includes(error.code)) return 'refused'
        throw error // a proxy's 401, a code of a newer server: not the server's word that the session is over
      } catch (e) {
        if (last || !isYoozakError(e) || e.status) throw about(e, 'POST', path, false)
      }
      await sleep(100 + Math.random() * 200)
    }
  }

  // ---- with the customer's token

  // limited runs a call within its limit. Its errors say what was asked.
  async function limited<T>(method: string, path: string, { signal, timeout = limit }: CallOptions, run: (signal: AbortSignal, note: (access?: string) => void) => Promise<T>, keep?: boolean): Promise<T> {
    let used: string | undefined // the access token that was sent; empty: none
    try {
      return await within(timeout, signal, signal => run(signal, (access = '') => { used = access }), keep)
    } catch (e: any) {
      if (used && e.code === 'timeout') session.suspect(used)
      throw about(e, method, plain(path), used !== undefined)
    }
  }

  interface How extends CallOptions {
    body?: unknown
    /** Without a token. */
    open?: boolean | undefined
    /** Headers. */
    more?: Record<string, string>
    /** The session that it was sent with first, which the call sets. */
    by?: Stored | undefined
  }

  // by: the session that it was sent with.
  interface Got<T> { json: T; answer: Response; by: Stored | undefined }

  // call is one call of the API. Where it needs a proof, the page is asked for one, without a limit: people are slow.
  // Calls of the same session that need one meanwhile wait for the same.
  const proofs: Record<string, Promise<boolean> | undefined> = {}
  async function call<T>(method: string, path: string, how: How): Promise<Got<T>> {
    try {
      return await attempt<T>(method, path, how)
    } catch (e: any) {
      const g = how.by?.g!
      if (e.code !== 'confirm_required' || path === CONFIRM || !await within(Infinity, how.signal, async () => proofs[g] ??= options.onConfirmRequired?.(e).finally(() => proofs[g] = undefined))) throw e
      return attempt<T>(method, path, how)
    }
  }

  // attempt is one call of the API. GETs are repeated while that may help.
  function attempt<T>(method: string, path: string, how: How): Promise<Got<T>> {
    const { body, open, more, timeout = limit } = how, end = Date.now() + timeout
    return limited(method, path, how, async (signal, note) => {
      const ask = async (by?: Stored) => {
        how.by ??= by
        note(by?.access)
        return request(method, path, { body, by, more, signal })
      }
      for (let tries = 0; !signal.aborted; tries++) {
        let wait = 200 * 2 ** tries * (1 + Math.random())
        try {
          const got = open ? await ask() : await session.authorized(ask, false, how.by)
          if (got.answer.ok && !(got.json === null && method === 'GET')) return got as Got<T>
          const error = got.answer.ok ? failure('network') : errorFrom(got)
          wait = Math.max(wait, (error.retryAfter ?? 0) * 1000)
          throw error
        } catch (e: any) {
          const again = method === 'GET' && tries < 2 && e.retryable && e.code !== 'timeout' && e.path !== REFRESH
          if (!again || wait > ceiling || Date.now() + wait > end) throw e
        }
        await sleep(wait)
      }
      return undefined as never // nobody waits for it any more
    })
  }

  // post is a call whose answer may have tokens: of a session, and of a device that is known or trusted. A confirmation
  // has no user, and without rotation no refresh token; a login is never mixed with the session before.
  async function post<T>(path: string, o: How, login?: string, isLogin?: boolean): Promise<T> {
    const { json, answer, by } = await call<T>('POST', path, { ...o, more: await devices.of(login ?? (!o.open && session.state().user?.username || '')) })
    const tokens = Object(Object(json).login ?? json) as Tokens, { access, refresh, user = by?.user } = tokens
    if (by && !tokens.user) {
      if (access) await session.take(tokens, by.g)
    } else if (access && refresh && (user ?? !isLogin)) await session.begin(tokens)
    else if (isLogin) throw badAnswer(answer)
    if (user) await devices.keep(answer, [login, user.username, user.email])
    return json
  }

  // grant is what the ways to log in have in common.
  const grant = async (path: string, body: object, o?: CallOptions) =>
    (await post<Tokens>(path, { ...o, body, open: true }, named = (body as Credentials).username ?? named, true)).user

  async function profile(method: string, body?: ProfileChange, o?: CallOptions): Promise<User> {
    const { json, answer, by } = await call<User>(method, 'clients/me/', { ...o, body })
    if (!json?.username) throw badAnswer(answer)
    await session.setUser(json, by?.g)
    return json
  }

  const read = async <T>(path: string, o?: CallOptions) => (await call<T>('GET', path, { ...o })).json
  const act = async (path: string, body?: unknown, o?: How) => { await post(path, { ...o, body }) }

  const leave = async (path: string, body?: unknown, o?: How) => {
    await act(path, body, o)
    await session.end()
  }

  // once is for tokens that work once: a component that is mounted twice, or a second click, shares the first result.
  let last = '', result: Promise<void>
  // The request has the client's limit and nobody's signal, since others wait for it; each has their own around the wait.
  const once = (path: string, body: object, o?: CallOptions) => limited('POST', path, { ...o }, (_, note) => {
    note()
    const what = path + JSON.stringify(body)
    if (what !== last) {
      last = what
      result = act(path, body, { open: true })
      result.catch(() => { if (what === last) last = '' })
    }
    return result
  })

  // ---- the page

  const disposed = new AbortController()
  const on = (target: EventTarget, name: string, act: (e: any) => void) => target.addEventListener?.(name, act, disposed) // React Native has a window without it
  const doc = page(), win = globalThis as unknown as Window
  if (doc) {
    on(doc, 'visibilitychange', () => doc.visibilityState === 'visible' && session.wake())
    on(win, 'pageshow', e => e.persisted && session.wake()) // back from the cache of the Back button, with its old memory
    on(win, 'online', () => session.wake(true))
    on(win, 'storage', session.current) // another tab has written
  }

  return {
    state: session.state,
    onChange(listener) {
      listeners.add(listener)
      return () => { listeners.delete(listener) }
    },

    async fetch(input, init = {}) {
      const whole = input as Partial<Request> /* a text and a URL have none of it */, { body } = init as { body?: any }
      const url = absolute(whole.url ?? String(input))
      if (!servers.some(s => s.origin === originOf(url))) return send(input as string, init)
      const method = (init.method ?? whole.method ?? 'GET').toUpperCase()
      // the limit ends with the head of the answer
      return (await limited(method, url.slice(url.indexOf('/', 8)), { signal: init.signal ?? whole.signal }, (signal, note) => session.authorized(async ({ access }) => {
        note(access)
        const headers = new Headers(init.headers ?? whole.headers)
        if (access) headers.set('Authorization', 'Bearer ' + access)
        return { answer: await reached(send(whole.clone?.() ?? url, { redirect: 'error', ...init, headers, signal })) }
      }, body?.getReader ?? body?.[Symbol.asyncIterator]), true)).answer
    },

    register: (fields, o) => grant('auth/register/', fields, o),
    login: (credentials, o) => grant('auth/login/', credentials, o),
    loginSecond: (step, o) => grant('auth/login/second/', step, o),
    confirm: (proof, o) => act(CONFIRM, proof, o),
    call: async (method, path, body, o) => method === 'POST' ? post(path, { ...o, body }) : (await call<any>(method, path, { ...o, body })).json,
    async logout(o) {
      const refresh = await session.end()
      return isText(refresh) ? act('auth/logout/', { refresh }, { timeout: 5000, ...o, open: true }).then(() => true, e => e.status === 401) : refresh
    },
    logoutAll: o => leave('auth/logout/all/', undefined, o),
    me: o => profile('GET', undefined, o),
    updateMe: (change, o) => profile('PATCH', change, o),
    sessions: o => read('auth/sessions/', o),
    endSession: async (id, o) => { await call('DELETE', `auth/sessions/${encodeURIComponent(id)}/`, { ...o }) },
    events: ({ before, ...o } = {}) => read('auth/events/' + (before ? '?before=' + before : ''), o),
    changePassword: (fields, o) => act('auth/password/change/', fields, o),
    requestReset: (fields, o) => act('auth/password/reset/', fields, { ...o, open: true }),
    resetPassword: (fields, o) => once('auth/password/reset/confirm/', fields, o),
    verifyEmail: (token, o) => once('auth/email/verify/', { token }, o),
    resendVerification: o => act('auth/email/verify/resend/', undefined, o),
    changeEmail: (fields, o) => act('auth/email/change/', fields, o),
    confirmEmail: (token, o) => once('auth/email/change/confirm/', { token }, o),
    undoEmail: (token, o) => once('auth/email/change/undo/', { token }, o),
    security: o => read('clients/me/security/', o),
    export: o => read('clients/me/export/', o),
    close: (password, o) => leave('clients/me/close/', { password }, o),
    wake: () => session.wake(),
    dispose() {
      listeners.clear()
      disposed.abort()
    },
  }
}

// defaultStore is the page's. Anywhere else a store by default would be one customer's session for all who come.
function defaultStore(): Store {
  if (page()) return localStore()
  return {
    ...memoryStore(),
    set() {
      throw new YoozakError({ code: 'storage', message: 'name a store' })
    },
  }
}

const page = () => globalThis.document as Document | undefined
