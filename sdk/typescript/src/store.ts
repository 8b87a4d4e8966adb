// Where a session is kept between two calls. The client needs two things of a store, so an adapter is a few lines.

import { isText, YoozakError } from './errors.js'
import type { User } from './types.js'

/** A place for texts by key. It may answer at once or by a promise. */
export interface Store {
  get(key: string): string | null | undefined | Promise<string | null | undefined>
  set(key: string, value: string): unknown
  /** Nobody else uses this store: it is read once, and no lock is needed. */
  readonly alone?: boolean | undefined
  /** It forgets with the page; said by State.persistent. */
  readonly fleeting?: boolean | undefined
}

/**
 * Stored is the one value that a session is. It has one key, so that nobody
 * ever reads half of it. After a logout a mark stays, without a token: so that
 * other tabs tell "logged out" from "the browser has cleared its storage".
 */
export interface Stored {
  /** Version of this shape. */
  v: 1
  /** Generation: another one for each login and each logout. Whoever finds another than it began with writes nothing. */
  g: string
  access?: string | undefined
  /** Absent: nobody is logged in. */
  refresh?: string | undefined
  user?: User | undefined
  /** The server's clock minus ours, in ms. */
  skew?: number | undefined
  /** Mark of a refresh that was begun. Whoever starts and finds it asks again at once. */
  busy?: boolean | undefined
  /** Why nobody is logged in. */
  out?: 'logout' | 'ended' | undefined
}

/** parse reads a stored text. What it cannot read (half a value, one of a newer version) is nobody's session, and is left alone. */
export function parse(text: string | null): Stored | null {
  try {
    const s = JSON.parse(text!)
    return s.v === 1 && [s.g, s.refresh ?? '', s.access ?? ''].every(isText) ? s : null
  } catch {
    return null
  }
}

/** memoryStore forgets with the process. For tests and for scripts. */
export function memoryStore(): Store {
  const held = new Map<string, string>()
  return { get: key => held.get(key), set: (key, value) => held.set(key, value), alone: true, fleeting: true }
}

/** localStore is the page's localStorage. Where the browser forbids it, it is memory. */
export function localStore(): Store {
  try {
    const { localStorage } = globalThis
    localStorage.getItem('')
    return { get: key => localStorage.getItem(key), set: (key, value) => localStorage.setItem(key, value) }
  } catch { // cookies are blocked, or a sandboxed frame
    return memoryStore()
  }
}

/** What expo-secure-store and its like offer. */
export interface SecureStorage {
  getItemAsync(key: string): Promise<string | null>
  setItemAsync(key: string, value: string): Promise<unknown>
}

/**
 * secureStore keeps the session in a telephone's safe. The access token stays
 * in memory: a safe may take no more than 2,048 bytes. What was written is
 * read back, because some cut it off without a word; then the login fails
 * with the code `storage`, not the session tomorrow.
 */
export function secureStore(safe: SecureStorage): Store {
  const whole = new Map<string, Map<string | null, string>>() // by key: what was set, by what the safe has of it
  return {
    async get(key) {
      const text = await safe.getItemAsync(key)
      return whole.get(key)?.get(text) ?? text
    },
    async set(key, value) {
      const s = parse(value), part = s ? JSON.stringify({ ...s, access: undefined }) : value
      whole.set(key, new Map([...whole.get(key) ?? [], [part, value]])) // beside those before: a locked safe still has one of them
      try {
        await safe.setItemAsync(key, part)
        if (await safe.getItemAsync(key) === part) return whole.set(key, new Map([[part, value]]))
      } catch { /* said below */ }
      throw new YoozakError({ code: 'storage', message: `the safe does not keep ${part.length} bytes` })
    },
    alone: true,
  }
}
