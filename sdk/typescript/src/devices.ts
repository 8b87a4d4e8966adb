// Tokens by which the server knows this device, one for each account. They open nothing; they
// give the owner of an account tries of their own while strangers guess at its password.

import type { Store } from './store.js'

const MOST = 20 // names, of a family's tablet

/** Text "hash=token&hash=token", the newest last. */
const read = (text: string | null | undefined) =>
  (text ?? '').split('&').map(pair => pair.split('=')).filter(([hash, token]) => hash && /^[\w-]+$/.test(token ?? '')) as [string, string][]

export function openDevices(store: Store, key: string) {
  const load = async () => {
    try {
      return read(await store.get(key))
    } catch {
      return []
    }
  }
  return {
    async token(name: string): Promise<string | undefined> {
      return (await load()).find(([hash]) => hash === hashOf(name))?.[1]
    },
    /** Keeps a token for all names of an account; without a token, forgets them. */
    async keep(names: (string | undefined)[], token: string | null): Promise<void> {
      const hashes = names.filter(Boolean).map(name => hashOf(name!))
      const others = (await load()).filter(([hash]) => !hashes.includes(hash))
      const pairs = [...others, ...token ? [...new Set(hashes)].map(hash => [hash, token]) : []]
      try {
        await store.set(key, pairs.slice(-MOST).map(pair => pair.join('=')).join('&'))
      } catch { /* a device that is not known has the tries of a stranger */ }
    },
  }
}

// hashOf keeps names from being read by whoever looks into the store. FNV-1a: no secret hangs on it.
function hashOf(name: string): string {
  let hash = 0x811c9dc5
  for (const c of name.trim()) hash = Math.imul(hash ^ c.codePointAt(0)!, 0x01000193)
  return (hash >>> 0).toString(36)
}
