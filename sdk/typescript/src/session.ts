// The session of one customer on one device: what is held, what is stored, and how it is renewed.
//
//   unknown ──(first read)──► in ──(logout, or the server refused the refresh token)──► out ──(login)──► in
//
// Only those two lead from in to out. A network that fails, a proxy that
// answers for the server, a store that breaks, a clock that is wrong: none of
// them logs anybody out.

import { isYoozakError, YoozakError } from './errors.js'
import { exclusive, sleep } from './lock.js'
import { UNKNOWN, type State } from './state.js'
import { parse, type Store, type Stored } from './store.js'
import { claims } from './token.js'
import type { User } from './types.js'

/** What a refresh brings: tokens, or the server's word that the session is over. A failure is thrown. */
export type Renewal = Brought | 'refused'
interface Brought { access: string; refresh?: string | undefined; user?: User | undefined }

export interface Session {
  state(): State
  /** What is held now, after a look into the store where others may have written. */
  current(): Promise<Stored | null>
  /**
   * Makes an attempt with what is held, its access token renewed first if it is over or was too slow to be answered, and once more with
   * another if it was refused. What began as one person does not go on as another: then nobody is logged in.
   *
   * @param isOnce it has something that is gone when it was sent
   * @param began the session that this call was sent with before
   */
  authorized<T extends { answer: Response }>(attempt: (by: Stored) => Promise<T>, isOnce?: boolean, began?: Stored): Promise<T>
  /** A call with this token was never answered: ask for another before the next. */
  suspect(access: string | undefined): void
  begin(tokens: Brought): Promise<void>
  /** Takes the tokens that a call of this generation brought. */
  take(tokens: Brought, generation: string | undefined): Promise<void>
  /** Returns the refresh token that was held. True: none was; false: it could not be read. */
  end(): Promise<string | boolean>
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
  /** Most that the server may have us wait, in ms. */
  ceiling: number
  changed: (state: State) => void
}): Session {
  const { store, key } = o
  let held: Stored | null = null // what this page goes by
  // What the store may say although nobody else has written: what was read or written last, and each write since then that
  // failed, because it may have come there all the same. Any other text is somebody else's.
  let seen = new Set<string | null>()
  let lost = false // the store was emptied under us
  let broken = false // the store does not take what we write, or cannot be read now
  let read = false // the store has told, or taken, a text
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
    if (seen.has(text) || writes) return
    const first = !read
    seen = new Set([text])
    read = true
    if (first && held) return // what could not be written yet is newer
    lost = text === null && !!held?.refresh
    if (!lost) {
      held = parse(text)
      broken = false
    }
    if (!first) return
    notify()
    if (held?.busy) background() // somebody began a refresh and was closed
  }

  const look = async () => {
    try {
      adopt(await store.get(key))
    } catch {
      unreadable()
    }
  }

  const unreadable = () => { broken = true } // a locked telephone: go on with what is held, which before the first read is not known

  async function put() {
    const text = JSON.stringify(held)
    seen.add(text)
    try {
      await store.set(key, text)
      seen = new Set([text])
      read = true
      broken = false
    } catch (e) {
      broken = true
      if (isYoozakError(e)) throw e // the adapter's word that it never will
    }
  }

  // hold takes a value at once and writes it when it is its turn.
  function hold(next: Stored) {
    held = next
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

  const latest = async () => {
    if (!store.alone || broken || !read) await inTurn(look)
    if (broken && held) inTurn(() => put().catch(() => {})).then(notify) // tried again
    return notify(), held
  }

  // ---- what others are told

  function notify() {
    if (!read && !held) return
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

  // ---- time

  const serverTime = () => Date.now() + (held?.skew ?? 0)

  // endsWithin tells whether no more than a share of a token's life is left, and no more than so many ms. Null: it cannot be read.
  function endsWithin(access: string | undefined, share: number, most = Infinity) {
    const c = claims(access)
    return c && c.exp * 1000 - serverTime() <= Math.min(most, (c.exp - c.iat) * 1000 * share)
  }

  const isOld = ({ access }: Stored) => !access || access === slow || endsWithin(access, 1 / 10, 10_000)

  // ---- renewal

  let flight: Promise<void> | undefined // one for all callers of this page
  let flightFor: string | undefined
  let pause = 0 // after a refresh that failed, in ms
  let pausedAt = 0
  let pauseLength = 0
  let named = 0 // seconds that the server said
  let reason: any
  let slow: string | undefined // an access token whose call was never answered
  let vain: string | undefined // a token that a refresh brought and that was refused all the same
  let vainTimes = 0
  let vainUntil = 0

  // renew exchanges the tokens that go with an access token, unless others did.
  async function renew(access: string | undefined): Promise<void> {
    while (flight && flightFor !== access) await flight.catch(() => {})
    if (flight) return flight
    flightFor = access
    const step = async () => {
      await inTurn(look)
      if (held?.refresh && held.access === access) await exchange(held)
    }
    return flight = (store.alone ? step() : exclusive(key, store, step)).finally(() => {
      flight = undefined
      notify()
    })
  }

  async function exchange(sent: Stored) {
    await amend(sent.g, s => ({ ...s, busy: true }))
    let got: Renewal
    try {
      got = await o.ask(sent.refresh!)
      pause = pauseLength = 0
    } catch (e: any) {
      named = e.retryAfter || 0
      reason = e
      pausedAt = Date.now()
      pauseLength = Math.min(pauseLength * 2 || FIRST_PAUSE, LAST_PAUSE)
      pause = named ? Math.min(named * 1000, Math.max(o.ceiling, FIRST_PAUSE)) : pauseLength * (1 + Math.random() / 4)
      throw e
    }
    if (got === 'refused') {
      await sleep(200) // what another tab wrote may not have come here yet
      return amend(sent.g, s => s.access === sent.access ? nobody('ended') : s)
    }
    // What others have put in its place meanwhile stays, unless it is older. What was sent never does: of two clocks of the
    // server, only the later answer knows the right one.
    await amend(sent.g, s => s.access !== sent.access && issued(s.access) >= issued(got.access) ? s : renewed(s, got))
  }

  const renewed = (s: Stored, { access, refresh = s.refresh, user = s.user }: Brought): Stored =>
    ({ ...s, access, refresh, user, busy: undefined, skew: issued(access) && issued(access) * 1000 - Date.now() })

  const waited = () => Date.now() - pausedAt // less than nothing: the clock was set back
  const mayAsk = (because401: boolean) => o.renews && (waited() < 0 || waited() >= pause || because401 && !named)
  // why is the error of the refresh that failed, with what is left of the time that the server named.
  const why = () => named ? new YoozakError({ ...reason, message: reason.message, retryAfter: Math.ceil(named - waited() / 1000) }) : reason
  const background = () => { if (held?.refresh && mayAsk(false)) renew(held.access).catch(() => {}) }

  try { // the first read: at once where the store can
    const text = store.get(key)
    if (typeof text === 'object' && text) turn = text.then(adopt).catch(unreadable)
    else adopt(text)
  } catch {
    unreadable()
  }

  return {
    state: () => state,
    current: latest,
    serverTime,

    async authorized(attempt, isOnce, began) {
      let s = await latest()
      const { g, user } = began ?? s ?? {}
      const isOther = () => s?.g !== g && (s?.user?.id ?? g) !== user?.id
      if (s?.refresh && isOld(s) && mayAsk(false)) {
        await renew(s.access)
        slow = undefined
        s = held
      }
      // A store that cannot be read now does not say that nobody is logged in.
      if (!s?.refresh || isOther()) throw new YoozakError(s || state.status === 'out' ? { code: 'logged_out', status: 401 } : { code: 'storage' })
      const { access } = s
      let result = await attempt(s)
      // The server says that the token has little time left. Once: others join the flight, and after it the token is another
      // one. Not for one that is brand new.
      if (result.answer.headers.get('X-Token-Refresh-Required') && held?.access === access && endsWithin(access, 2 / 3) !== false) background()
      if (result.answer.status !== 401) return result
      s = await latest()
      if (s?.refresh && s.access === access) {
        if (!o.renews || vain === access && Date.now() < vainUntil) return result
        if (!mayAsk(true)) throw why()
        await renew(access)
        s = held
      }
      if (!s?.refresh || s.access === access || isOther()) return result
      if (isOnce) throw new YoozakError({ code: 'not_repeatable', status: 401 })
      result.answer.body?.cancel?.().catch(() => {})
      result = await attempt(s)
      if (result.answer.status !== 401) vainTimes = 0
      else if (vain !== s.access) { // a resource that refuses every token must not make us ask for ever more of them
        vain = s.access
        vainUntil = Date.now() + Math.min(vainTimes++, 6) * 10_000
      }
      return result
    },

    suspect(access) { slow = access },

    async begin(tokens) {
      try {
        await hold(renewed(nobody(), tokens))
      } catch (e) {
        await hold(nobody('logout')).catch(() => {})
        throw e
      }
    },

    take: (tokens, generation) => amend(generation, s => renewed(s, tokens)).then(notify),

    async end() {
      const was = (await latest())?.refresh ?? read
      if (was !== true) await hold(nobody('logout')).catch(() => {})
      return was
    },

    async setUser(user, generation) {
      if (JSON.stringify(held?.user) !== JSON.stringify(user)) await amend(generation, s => s.refresh ? { ...s, user } : s)
      notify()
    },

    wake(online) {
      if (online && !named) pause = 0
      latest().then(s => { if (s?.refresh && (isOld(s) || s.busy)) background() })
    },
  }
}

// Pages cannot read Date; a token that was just made tells the time. 0: it cannot be read.
const issued = (access: string | undefined) => claims(access)?.iat ?? 0
const nobody = (out?: Stored['out']): Stored => ({ v: 1, g: '' + Math.random(), out })
