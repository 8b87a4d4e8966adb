// What a page may know of a session.

import type { User } from './types.js'

export interface State {
  /** `unknown` until a store that answers by promise has answered; then somebody is in, or nobody. */
  readonly status: 'unknown' | 'in' | 'out'
  /** Who is in. Null when nobody is, or when the store keeps tokens only. */
  readonly user: User | null
  /** Changes with the person and never with a token: clear caches of answers when it does. */
  readonly userKey: string | null
  /** Why nobody is in: `logout`, or `ended` by the server. `lost`: the browser cleared its storage; this page goes on until it is closed. */
  readonly reason: 'logout' | 'ended' | 'lost' | null
  /** Whether the session outlives the page. */
  readonly persistent: boolean
}

export const UNKNOWN: State = { status: 'unknown', user: null, userKey: null, reason: null, persistent: true }
