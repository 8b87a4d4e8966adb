// Pages that a server makes (Next.js, Remix, Astro, Express …): one client for each request, whose session is the
// visitor's cookies. The tokens never reach a script of the page.

import { createClient, type Client, type ClientOptions } from './client.js'
import { keyOf } from './devices.js'
import { YoozakError } from './errors.js'
import type { Store } from './store.js'

export interface ServerOptions extends Omit<ClientOptions, 'store'> {
  /** Whether the shop has HTTPS. By default it has, unless it is on localhost and NODE_ENV is not `production`. */
  secure?: boolean | undefined
  /** Days that the cookies live: YOOZAK_REFRESH_LIFETIME. 1 by default, as there. */
  days?: number | undefined
  /** Cookies cannot be set here (a Server Component): nothing is renewed. */
  readOnly?: boolean | undefined
  /** The visitor's IP address, as your proxy tells it; name your server in YOOZAK_TRUSTED_PROXIES. */
  address?: string | undefined
}

/** What is needed of a request. In a Server Component: `{ headers: await headers() }`. */
export interface IncomingRequest {
  readonly headers: { get(name: string): string | null }
}

export interface ServerClient {
  readonly client: Client
  /**
   * Makes an answer that depended on the visitor's session: with the cookies that have changed, and never kept by a
   * cache that others share. The two come together on purpose.
   */
  respond(response: Response): Response
  /** The `Cookie` header as it is now: for what handles this request after a middleware. */
  cookieHeader(): string
}

const TOKEN = /^[\w-]+\.[\w-]+\.[\w-]+$/
const DEVICE = /\.device\.(\w+)$/ // a key of devices.ts: they share a cookie, "hash=token&hash=token", the newest last
const MOST = 3500 // bytes; browsers drop a cookie over 4,096 with its name and attributes without a word
const DEVICE_DAYS = 180

export function serverClient(request: IncomingRequest, options: ServerOptions): ServerClient {
  const { headers } = request
  const { secure = inProduction() || !/^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/.test(headers.get('host') ?? ''), days = 1, readOnly, address, ...rest } = options
  const prefix = (secure ? '__Host-' : '') + 'yoozak_' + (options.name ? keyOf(options.name).replace(/\W+/g, '_') + '_' : '')
  const jar = read(headers.get('cookie'))
  const changed = new Map<string, string>() // name and Set-Cookie

  function put(name: string, value: string, maxAge: number) {
    name = prefix + name
    if (value.length > MOST) throw new YoozakError({ code: 'storage', message: `the cookie ${name} would have ${value.length} bytes, and browsers keep ${MOST}` })
    if (value === (jar.get(name) ?? '')) return
    if (value) jar.set(name, value)
    else jar.delete(name)
    changed.set(name, `${name}=${value}; Path=/; Max-Age=${value ? maxAge : 0}; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`)
  }
  const token = (name: string) => {
    const value = jar.get(prefix + name) ?? ''
    return value.length <= MOST && TOKEN.test(value) ? value : undefined
  }

  const known = () => new Map([...(jar.get(prefix + 'devices') ?? '').matchAll(/(\w+)=([\w-]+)/g)].map(([, hash, token]) => [hash!, token!]))

  const store: Store = {
    alone: true,
    get(key) {
      const device = DEVICE.exec(key)?.[1]
      if (device) return known().get(device)
      const access = token('access'), refresh = token('refresh')
      return written ?? (refresh ? JSON.stringify({ v: 1, g: 'cookie', access, refresh }) : null)
    },
    set(key, value) {
      const device = DEVICE.exec(key)?.[1]
      if (device) {
        const others = known()
        others.delete(device)
        let list = [...others, [device, value]].map(pair => pair.join('=')).join('&')
        while (list.length > MOST) list = list.slice(list.indexOf('&') + 1) // the oldest goes
        return put('devices', list, DEVICE_DAYS * 86_400)
      }
      const s = JSON.parse(value)
      written = value
      put('access', s.access ?? '', days * 86_400)
      put('refresh', s.refresh ?? '', days * 86_400)
    },
  }
  let written: string | undefined // in this request; cookies keep no more of it than the tokens

  const prefetch = /prefetch/.test(`${headers.get('purpose')} ${headers.get('sec-purpose')}`) || !!(headers.get('next-router-prefetch') ?? headers.get('x-middleware-prefetch'))
  const client = createClient({
    language: /^[\w-]+/.exec(headers.get('accept-language') ?? '')?.[0],
    ...rest,
    store,
    renews: !readOnly && !prefetch,
    fetch: shared(rest.fetch ?? fetch),
    headers: { ...rest.headers, ...address ? { 'X-Forwarded-For': address } : {} },
  })
  return {
    client,
    respond(response) {
      const out = new Response(response.body, response)
      for (const cookie of changed.values()) out.headers.append('Set-Cookie', cookie)
      out.headers.set('Cache-Control', 'private, no-store')
      out.headers.append('Vary', 'Cookie') // for a cache that was told to keep it all the same
      return out
    },
    cookieHeader: () => [...jar].map(([name, value]) => name + '=' + value).join('; '),
  }
}

// A proxy on the same machine may call us by localhost (nginx does, by default), whatever the browser called: then the
// host says nothing, and cookies without Secure would go out in clear.
const inProduction = () => (globalThis as { process?: { env?: Record<string, string | undefined> } }).process?.env?.NODE_ENV === 'production'

function read(header: string | null): Map<string, string> {
  const jar = new Map<string, string>()
  for (const pair of (header ?? '').split(';')) {
    const at = pair.indexOf('=')
    if (at > 0) jar.set(pair.slice(0, at).trim(), pair.slice(at + 1).trim())
  }
  return jar
}

// One page load is several requests with the same cookies. In one process they share a refresh: while it runs and
// for a while after, for those that were sent before the browser had the new cookies.
const refreshes = new Map<string, Promise<Response>>()
const SHARED = 5000 // ms; within the 10 s for which other processes get the same from the server

const shared = (ask: typeof fetch): typeof fetch => async (input, init) => {
  if (!String(input).endsWith('/auth/token/refresh/')) return ask(input, init)
  const key = String(input) + String(init?.body)
  let answer = refreshes.get(key)
  if (!answer) {
    const signal = AbortSignal.timeout(SHARED) // not the signal of the one who came first
    refreshes.set(key, answer = ask(input, { ...init, signal }))
    const forget = () => { refreshes.delete(key) }
    answer.then(a => {
      if (!a.ok) return forget()
      const timer: unknown = setTimeout(forget, SHARED)
      ;(timer as { unref?(): void }).unref?.() // it keeps no process alive
    }, forget)
  }
  return (await answer).clone()
}
