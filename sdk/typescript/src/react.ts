'use client'
// React: who is logged in, as a component sees it.

import { useCallback, useSyncExternalStore } from 'react'
import type { Client } from './client.js'
import { UNKNOWN, type State } from './state.js'

/**
 * useAuth tells who is logged in, and renders again when that changes; a
 * renewed token is no change. What a server has made says `unknown` until it is
 * hydrated, or what `initial` says.
 *
 * @param initial the state that the server's page was made with; the same object each time
 */
export function useAuth(client: Client, initial: State = UNKNOWN): State {
  const subscribe = useCallback((changed: () => void) => client.onChange(changed), [client])
  return useSyncExternalStore(subscribe, client.state, () => initial)
}
