// The session of one customer on one device: what is held, what is stored, and how it is renewed.
//
//   unknown ──(first read)──► in ──(logout, or the server refused the refresh token)──► out ──(login)──► in
//
// Only those two lead from in to out. A network that fails, a proxy that
// answers for the server, a store that breaks, a clock that is wrong: none of
// them logs anybody out.

import { isYoozakError } from './errors.js'
import { exclusive, sleep } from './lock.js'
import { UNKNOWN, type State } from './state.js'
import { parse, type Store, type Stored } from './store.js'
import { claims } from './token.js'
import type { User } from './types.js'

/** What a refresh brings: tokens, or the server's word that the session is over. A failure is thrown. */
export type Renewal = { access: string; refresh?: string | undefined } | 'refused'

export interface Session {
  state(): State
  /** What is held now, after a look into the store where that is quick. */
  current(): Promise<Stored | null>
  /** The same, but renewed first if its access token is over, or was too slow to be answered. */
  fresh(): Promise<Stored | null>
  /** What to repeat a call with that got a 401: other tokens than those, or null. */
  after401(access: string | undefined): Promise<Stored | null>
  /** How such a repetition with those tokens went. */
  replayed(access: string | undefined, taken: boolean): void
  /** The server said that this token has little time left. */
  hinted(access: string | undefined): void
  /** A call with this token was never answered: ask for another before the next. */
  suspect(access: string | undefined): void
  begin(tokens: { access: string; refresh: string; user: User }): Promise<void>
  /** Returns the refresh token that was held. */
  end(): Promise<string | undefined>
  setUser(user: User, generation: string | undefined): Promise<void>
  /** The page is seen again, or the network is back. */
  wake(online?: boolean): void
  /** Server's time, in ms, as far as it is known. */
  serverTime(): number
}

const FIRST_PAUSE = 6_000 // ms, after a refresh that failed; doubled up to
const LAST_PAUSE = 60_000

export function openSession(o: {
  store: Store
  key: string
  /** Asks the server for other tokens. */
  ask: (refresh: string) => Promise<Renewal>
  /** False: never renew here (a prefetch, a page that cannot set cookies). */
  renews: boolean
  changed: (state: State) => void
}): Session {
  const { store, key } = o
  let held: Stored | null = null // what this page goes by
  let seen: string | null | undefined // the store's text when `held` was read from it or written to it
  let lost = false // the store was emptied under us
  let broken = false // the store does not take what we write, or cannot be read now
  let known = false // it was read once
  let state = UNKNOWN

  // ---- the store: steps one after the other, in the order in which they were asked for

  let turn: Promise<unknown> = Promise.resolve()
  let writes = 0 // logins and logouts that are held and not yet written: what the store says meanwhile is older
  const inTurn = <T>(step: () => Promise<T>): Promise<T> => {
    const result = turn.then(step)
    turn = result.catch(() => {})
    return result
  }

  function adopt(text: string | null | undefined) {
    text ??= null
    if (text === seen || writes) return
    seen = text
    lost = text === null && !!held?.refresh
    if (!lost) {
      held = parse(text)
      broken = false
    }
  }

  const look = async () => {
    try {
      adopt(await store.get(key))
      if (!known) started()
    } catch {
      unreadable()
    }
  }

  let failures = 0
  function unreadable() { // a locked telephone: go on with what is held, which at the first time is not yet known
    broken = true
    known ||= failures++ > 0
  }

  async function put() {
    const text = JSON.stringify(held)
    try {
      await store.set(key, text)
      seen = text
      broken = false
    } catch (e) {
      broken = true
      if (isYoozakError(e)) throw e // the adapter's word that it never will
    }
  }

  // hold takes a value at once and writes it when it is its turn.
  function hold(next: Stored) {
    held = next
    known = true
    lost = false
    writes++
    return inTurn(() => put().finally(() => { writes-- })).finally(notify)
  }

  // amend changes the held value of a generation. It writes nothing if somebody has logged in or out
  // meanwhile, and brings no tokens back into a store that was emptied.
  const amend = (generation: string | undefined, change: (s: Stored) => Stored) => inTurn(async () => {
    await look()
    if (!held || held.g !== generation) return
    held = change(held)
    if (!lost) await put().catch(() => {})
  })

  let quick = true // a look costs nothing
  let ready: Promise<unknown> = Promise.resolve()

  const latest = async () => {
    await ready
    if (quick || broken) await inTurn(look)
    if (broken && held) inTurn(() => put().catch(() => {})).then(notify) // tried again
    return notify(), held
  }

  // ---- what others are told

  function notify() {
    if (!known) return
    const inside = !!held?.refresh
    const next: State = {
      status: inside ? 'in' : 'out',
      user: inside && held!.user || null,
      userKey: inside ? String(held!.user?.id ?? held!.g) : null,
      reason: lost ? 'lost' : held?.out ?? null,
      persistent: !broken && !store.fleeting,
    }
    if (JSON.stringify(next) === JSON.stringify(state)) return
    state = next
    o.changed(next)
  }

  function started() {
    known = true
    notify()
    if (held?.refresh && held.busy) background() // somebody began a refresh and was closed
  }

  // ---- time

  const serverTime = () => Date.now() + (held?.skew ?? 0)

  // left tells how much of a token's life is left, and how long it is, in ms.
  function left(access: string | undefined) {
    const c = claims(access)
    return c ? { left: c.exp * 1000 - serverTime(), life: (c.exp - c.iat) * 1000 } : null
  }

  function isOld(s: Stored) {
    const t = left(s.access)
    return !s.access || s.access === slow || !!t && t.left <= Math.min(10_000, t.life / 10)
  }

  // ---- renewal

  let flight: Promise<void> | undefined // one for all callers of this page
  let flightFor: string | undefined
  let pausedUntil = 0 // after a refresh that failed
  let pauseLength = 0
  let byServer = false // it named the time
  let reason: unknown
  let slow: string | undefined // an access token whose call was never answered
  let vain: string | undefined // a token that a refresh brought and that was refused all the same
  let vainTimes = 0
  let vainUntil = 0

  // renew exchanges the tokens that go with an access token, unless others did.
  async function renew(access: string | undefined): Promise<void> {
    while (flight && flightFor !== access) await flight.catch(() => {})
    if (flight) return flight
    flightFor = access
    return flight = exclusiveHere(async () => {
      await inTurn(look)
      if (held?.refresh && held.access === access) await exchange(held)
    }).finally(() => {
      flight = undefined
      notify()
    })
  }
  const exclusiveHere = (run: () => Promise<void>) => store.alone ? run() : exclusive(key, quick ? store : undefined, run)

  async function exchange(sent: Stored) {
    await amend(sent.g, s => ({ ...s, busy: true }))
    let got: Renewal
    try {
      got = await o.ask(sent.refresh!)
      pausedUntil = pauseLength = 0
    } catch (e) {
      const seconds = isYoozakError(e) && e.retryAfter
      byServer = !!seconds
      reason = e
      pauseLength = Math.min(pauseLength * 2 || FIRST_PAUSE, LAST_PAUSE)
      pausedUntil = Date.now() + (seconds ? seconds * 1000 : pauseLength * (1 + Math.random() / 4))
      throw e
    }
    if (got === 'refused') {
      await sleep(200) // what another tab wrote may not have come here yet
      await amend(sent.g, s => s.refresh === sent.refresh && s.access === sent.access ? nobody('ended') : s)
      return
    }
    const { access, refresh } = got
    const issued = claims(access)?.iat ?? 0
    await amend(sent.g, s => (claims(s.access)?.iat ?? 0) > issued ? s // never back to an older one
      : { ...s, access, refresh: refresh ?? s.refresh, busy: undefined, skew: skewBy(access) })
  }

  const skewBy = (access: string) => {
    const iat = claims(access)?.iat // pages cannot read Date; a token that was just made tells the time
    return iat && iat * 1000 - Date.now()
  }

  const mayAsk = (because401: boolean) => o.renews && (Date.now() >= pausedUntil || because401 && !byServer)
  const background = () => { if (held?.refresh && mayAsk(false)) renew(held.access).catch(() => {}) }

  const session: Session = {
    state: () => state,
    current: latest,
    serverTime,

    async fresh() {
      const s = await latest()
      if (!s?.refresh || !isOld(s) || !mayAsk(false)) return s
      await renew(s.access)
      slow = undefined
      return held
    },

    async after401(access) {
      let s = await latest()
      if (s?.refresh && s.access === access) {
        if (!o.renews || vain === access && Date.now() < vainUntil) return null
        if (!mayAsk(true)) throw reason
        await renew(access)
        s = held
      }
      return s?.refresh && s.access !== access ? s : null
    },

    replayed(access, taken) {
      if (taken) vainTimes = 0
      else if (vain !== access) { // a resource that refuses every token must not make us ask for ever more of them
        vain = access
        vainUntil = Date.now() + Math.min(vainTimes++, 6) * 10_000
      }
    },

    hinted(access) {
      const t = left(access)
      // Once: others join the flight, and after it the token is another one. Not for one that is brand new.
      if (held?.access === access && !(t && t.left > t.life * 2 / 3)) background()
    },

    suspect(access) { slow = access },

    async begin({ access, refresh, user }) {
      try {
        await hold({ v: 1, g: generation(), access, refresh, user, skew: skewBy(access) })
      } catch (e) {
        await hold(nobody('logout')).catch(() => {})
        throw e
      }
    },

    async end() {
      const { refresh } = await latest() ?? {}
      if (refresh) await hold(nobody('logout')).catch(() => {})
      return refresh
    },

    async setUser(user, generation) {
      if (held?.g === generation && JSON.stringify(held?.user) !== JSON.stringify(user)) await amend(generation, s => s.refresh ? { ...s, user } : s)
      notify()
    },

    wake(online) {
      if (online && !byServer) pausedUntil = 0
      latest().then(s => { if (s?.refresh && (isOld(s) || s.busy)) background() })
    },
  }

  try { // the first read: at once where the store can
    const text = store.get(key)
    if (typeof text === 'object' && text) {
      quick = false
      turn = ready = text.then(text => {
        adopt(text)
        started()
      }).catch(unreadable)
    } else {
      adopt(text)
      started()
    }
  } catch {
    unreadable()
  }
  return session
}

const generation = () => Math.random().toString(36).slice(2)
const nobody = (out: 'logout' | 'ended'): Stored => ({ v: 1, g: generation(), out })
