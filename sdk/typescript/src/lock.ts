// One at a time, over all tabs of a browser.

import type { Store } from './store.js'

/**
 * How long anybody waits for the others, in ms. It is the time within which
 * the server gives the same refresh token the same successor, so that whoever
 * goes on without the lock after that does no harm.
 */
const WAIT = 10_000

export const sleep = (ms: number) => new Promise<void>(done => setTimeout(done, ms))

/** How long the lock is kept after a step, in ms: what one tab writes comes to the others some time later. */
const SETTLE = 150

/**
 * exclusive runs a step while no other tab does. A lock that is not given in
 * time (its holder is frozen), or not at all, keeps nobody from going on: two
 * refreshes are allowed, a logout for want of a lock is not.
 *
 * @param store for a lease, where the browser has no locks: on http://192.168…, in some frames, in old Safari
 */
export const exclusive = <T>(name: string, store: Store, run: () => Promise<T>) => new Promise<T>((done, failed) => {
  const waiting = new AbortController()
  const timer = setTimeout(() => waiting.abort(), WAIT)
  let begun = false
  const step = () => {
    begun = true
    clearTimeout(timer)
    const result = run()
    result.then(done, failed)
    return result.then(() => sleep(SETTLE), () => {})
  }
  const take = async () => {
    try {
      await navigator.locks.request(name, { signal: waiting.signal }, step)
    } catch { // not there, not allowed, or not given in time
      if (!begun) await (waiting.signal.aborted ? step() : leased(name + '.lease', store, step))
    }
  }
  take()
})

// leased is a lock made of the store: a text with its owner and its end, so that a tab that died blocks nobody for long.
async function leased(key: string, store: Store, step: () => Promise<void>): Promise<void> {
  const mine = Math.random() + ' '
  const isMine = async () => (await store.get(key))?.startsWith(mine)
  try {
    for (const end = Date.now() + WAIT; Date.now() < end;) {
      const left = Number((await store.get(key))?.split(' ')[1]) - Date.now()
      if (!(left > 0 && left <= WAIT)) { // free, over, or of a clock that was set back
        await store.set(key, mine + (Date.now() + WAIT))
        await sleep(30) // two may have written: the last one has it
        if (await isMine()) break
      }
      await sleep(30 + Math.random() * 40)
    }
  } catch { /* a store that cannot be written: without */ }
  await step()
  try {
    if (await isMine()) await store.set(key, '')
  } catch { /* it ends by itself */ }
}
