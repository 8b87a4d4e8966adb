// fetch with a limit, and with failures that have a code.

import { isYoozakError, YoozakError } from './errors.js'

/**
 * within runs a step for at most `limit` ms (Infinity: without a limit) and until the caller aborts it.
 * The step is given up even if its fetch never settles, which happens on
 * telephones. Timeout, abort and network failure are three codes.
 *
 * @param keep the caller's signal goes on to stop what the step has begun (the body of an answer)
 */
export const within = <T>(limit: number, signal: AbortSignal | null | undefined, run: (signal: AbortSignal) => Promise<T>, keep = false) => new Promise<T>((done, failed) => {
  const inner = new AbortController()
  const settle = () => {
    clearTimeout(timer as number)
    if (!keep) signal?.removeEventListener('abort', abort)
  }
  const stop = (code: 'timeout' | 'aborted') => {
    settle()
    failed(failure(code))
    inner.abort()
  }
  const abort = () => stop('aborted')
  const timer = limit < Infinity && setTimeout(() => stop('timeout'), limit)
  if (signal?.aborted) return abort()
  signal?.addEventListener('abort', abort)
  run(inner.signal).then(done, failed).finally(settle)
})

/** failure is the error of a call without an answer. */
export const failure = (code: 'timeout' | 'aborted' | 'network', message?: string) => new YoozakError({ code, message })

/**
 * reached turns what fetch throws into our error. Its cause is not kept: an
 * interceptor may have hung the request onto it, and with it the token.
 */
export const reached = <T>(answer: Promise<T>): Promise<T> => answer.catch(e => {
  if (isYoozakError(e)) throw e
  // A browser does not tell a refused origin from a server that is down.
  throw failure('network', globalThis.document && 'network, or YOOZAK_CORS_ORIGINS')
})

/** about tells an error what was asked and, of a call without an answer, whether it may have happened. */
export function about(e: unknown, method: string, path: string, sent: boolean): unknown {
  return isYoozakError(e) && !e.method ? Object.assign(e, { method, path, unknownOutcome: !e.status && sent && method !== 'GET' }) : e
}
