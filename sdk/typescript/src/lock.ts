// One at a time, over all tabs of a browser.

import type { Store } from './store.js'

/**
 * How long anybody waits for the others, in ms. It is the time within which
 * the server gives the same refresh token the same successor, so that whoever
 * goes on without the lock after that does no harm.
 */
const WAIT = 10_000

export const sleep = (ms: number) => new Promise<void>(done => setTimeout(done, ms))

/**
 * exclusive runs a step while no other tab does. A lock that is not given in
 * time (its holder is frozen), or not at all, keeps nobody from going on: two
 * refreshes are allowed, a logout for want of a lock is not.
 *
 * @param store for a lease, where the browser has no locks: on http://192.168…, in some frames, in old Safari
 */
export async function exclusive<T>(name: string, store: Store | undefined, run: () => Promise<T>): Promise<T> {
  const locks = globalThis.navigator?.locks
  if (!locks) return leased(name, store, run)
  const waiting = new AbortController()
  const timer = setTimeout(() => waiting.abort(), WAIT)
  let begun = false
  try {
    return await locks.request(name, { signal: waiting.signal }, () => {
      begun = true
      clearTimeout(timer)
      return run()
    })
  } catch (e) {
    if (begun) throw e
    return waiting.signal.aborted ? run() : leased(name, store, run)
  } finally {
    clearTimeout(timer)
  }
}

// leased is a lock made of the store: a text with its owner and its end, so that a tab that died blocks nobody for long.
async function leased<T>(name: string, store: Store | undefined, run: () => Promise<T>): Promise<T> {
  if (!store) return run()
  const key = name + '.lease', mine = Math.random().toString(36).slice(2)
  const read = async () => (await store.get(key) ?? '').split(' ')
  try {
    for (const end = Date.now() + WAIT; Date.now() < end;) {
      const [owner, until = 0] = await read()
      const left = +until - Date.now()
      if (!owner || !(left > 0 && left <= WAIT)) { // free, over, or of a clock that was set back
        await store.set(key, `${mine} ${Date.now() + WAIT}`)
        await sleep(30) // two may have written: the last one has it
        if ((await read())[0] === mine) break
      }
      await sleep(30 + Math.random() * 40)
    }
  } catch { /* a store that cannot be written: without */ }
  try {
    return await run()
  } finally {
    try {
      if ((await read())[0] === mine) await store.set(key, '')
    } catch { /* it ends by itself */ }
  }
}
