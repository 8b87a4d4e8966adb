// Tokens by which the server knows this device, for each account one that is known and perhaps one that is trusted. The first
// opens nothing: it gives the owner of an account tries of their own while strangers guess at its password. The second spares
// the second factor, beside the password. Each has a key of its own in the store, for each name of its account.

import type { Store } from './store.js'

const HEADERS = ['X-Device-Token', 'X-Trusted-Device']

export function openDevices(store: Store, key: string) {
  const at = (header: string, name: string) => key + '.device.' + hashOf(header + name.trim())
  return {
    /** The headers of who logs in by this name. */
    async of(name: string): Promise<Record<string, string>> {
      const headers: Record<string, string> = {}
      try {
        for (const header of HEADERS) {
          const token = await store.get(at(header, name)) ?? ''
          if (/^[\w-]+$/.test(token)) headers[header] = token
        }
      } catch { /* a device that is not known has the tries of a stranger */ }
      return headers
    },
    /** Keeps what an answer brought, for all names of an account. */
    async keep(answer: Response, names: (string | undefined)[]): Promise<void> {
      try {
        for (const header of HEADERS) {
          const token = answer.headers.get(header)
          for (const name of names) if (token && name) await store.set(at(header, name), token)
        }
      } catch { /* as above */ }
    },
  }
}

/** keyOf is a name as a part of a key: itself where it is plain, since others fall together once their signs are left out. */
export const keyOf = (name = '') => /[^\w-]/.test(name) ? hashOf(name) : name

// hashOf keeps names from being read by whoever looks into the store. FNV-1a: no secret hangs on it.
const hashOf = (text: string) => ([...text].reduce((hash, c) => Math.imul(hash ^ c.codePointAt(0)!, 0x01000193), 0x811c9dc5) >>> 0).toString(36)
