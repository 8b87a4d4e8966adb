// fetch with a limit, and with failures that have a code.

import { isYoozakError, YoozakError } from './errors.js'

/**
 * within runs a step for at most `limit` ms and until the caller aborts it.
 * The step is given up even if its fetch never settles, which happens on
 * telephones. Timeout, abort and network failure are three codes.
 *
 * @param keep the caller's signal goes on to stop what the step has begun (the body of an answer)
 */
export async function within<T>(limit: number, signal: AbortSignal | null | undefined, run: (signal: AbortSignal) => Promise<T>, keep = false): Promise<T> {
  const inner = new AbortController()
  let stop!: (code: 'timeout' | 'aborted') => void
  const stopped = new Promise<never>((_, reject) => {
    stop = code => {
      reject(failure(code))
      inner.abort()
    }
  })
  stopped.catch(() => {})
  const abort = () => stop('aborted')
  const timer = setTimeout(() => stop('timeout'), limit)
  try {
    if (signal?.aborted) throw failure('aborted')
    signal?.addEventListener('abort', abort)
    return await Promise.race([run(inner.signal), stopped])
  } finally {
    clearTimeout(timer)
    if (!keep) signal?.removeEventListener('abort', abort)
  }
}

/** failure is the error of a call without an answer. */
export const failure = (code: 'timeout' | 'aborted' | 'network', message?: string) => new YoozakError({ code, message })

/**
 * reached turns what fetch throws into our error. Its cause is not kept: an
 * interceptor may have hung the request onto it, and with it the token.
 */
export const reached = <T>(answer: Promise<T>): Promise<T> => answer.catch(e => {
  if (isYoozakError(e)) throw e
  if (e?.name === 'AbortError') throw failure('aborted')
  // A browser does not tell a refused origin from a server that is down.
  throw failure('network', typeof document === 'object' ? 'network, or this page is not in YOOZAK_CORS_ORIGINS' : undefined)
})

/** about tells of a call without an answer what was asked, and whether it may have happened. */
export function about(e: unknown, method: string, path: string, sent: boolean): unknown {
  return isYoozakError(e) && !e.status && !e.method ? Object.assign(e, { method, path, unknownOutcome: sent && method !== 'GET' }) : e
}
