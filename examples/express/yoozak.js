// Access tokens of Yoozak Clients, verified by its public keys without asking it. Needs jose.
import { createLocalJWKSet, jwtVerify, errors } from 'jose'

const ALGORITHMS = ['ES256'] // YOOZAK_JWT_ALGORITHM of the server
const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

/** Nothing can be said of a token, because the key set is not known: 503, which logs nobody out. */
export class Unavailable extends Error {}

// keySet fetches the keys steadily, and at most once a minute because of a token whose key is not known. A bad
// answer changes nothing; the last good one serves for an hour. jose's createRemoteJWKSet would refuse
// everybody as soon as one fetch fails.
function keySet(url) {
  let set, goodUntil = 0, triedAt = 0, missedAt = -Infinity, running, failure
  async function get() {
    const res = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(5 * SECOND) })
    if (res.status !== 200) throw new Error(`the answer is ${res.status}`)
    const found = await res.json()
    if (!found?.keys?.some((k) => k.kid && ALGORITHMS.includes(k.alg))) throw new Error('no key signs tokens')
    set = createLocalJWKSet(found)
    goodUntil = Date.now() + HOUR
  }
  function attempt() {
    triedAt = Date.now()
    running ??= get().then(() => { failure = undefined }, (e) => { failure = e }).finally(() => { running = undefined })
    return running
  }
  attempt()
  setInterval(() => { if (failure || Date.now() - triedAt >= 40 * SECOND) attempt() }, 10 * SECOND).unref()

  return async function key(header, token) {
    if (!set) await running
    if (Date.now() >= goodUntil) throw new Unavailable(failure?.message)
    try {
      return await set(header, token)
    } catch (e) {
      if (!(e instanceof errors.JWKSNoMatchingKey)) throw e
      if (!running && Date.now() - missedAt >= MINUTE) {
        missedAt = Date.now()
        attempt()
      }
      await running
      if (failure) throw new Unavailable(failure.message)
      return await set(header, token)
    }
  }
}

/**
 * verifier returns a function that takes an access token and returns { id, sessionId } of its user.
 * It throws Unavailable, or another error if the token is not good: what is for your log, and not for the client.
 * issuer is YOOZAK_JWT_ISSUER; audience is this service's name in YOOZAK_JWT_AUDIENCE, where that is set.
 */
export function verifier({ keySetURL, issuer, audience }) {
  const key = keySet(keySetURL)
  return async function verify(token) {
    const canonical = (part) => Buffer.from(part, 'base64url').toString('base64url') === part
    if (token.length > 4096 || !token.split('.').every(canonical)) throw new Error('not a token')
    const named = (header, jws) => {
      if (typeof header.kid !== 'string') throw new Error('it names no key')
      return key(header, jws)
    }
    const { payload } = await jwtVerify(token, named, { algorithms: ALGORITHMS, issuer, audience, clockTolerance: 5 })

    // What jose does not look at.
    const now = Date.now() / SECOND
    const text = (claim) => typeof payload[claim] === 'string' && payload[claim] !== ''
    const good =
      payload.token_type === 'access' && // a refresh token is none
      payload.exp > now && payload.exp <= 253402300799 &&
      typeof payload.iat === 'number' && payload.iat <= now + 5 &&
      Number.isSafeInteger(payload.user_id) && payload.sub === String(payload.user_id) &&
      text('sid') && text('jti') &&
      (audience ? [payload.aud].flat().every((name) => typeof name === 'string') : !('aud' in payload))
    if (!good) throw new Error('its claims are not those of an access token')
    return { id: payload.user_id, sessionId: payload.sid }
  }
}

/** requireUser is a middleware: it sets req.user, or answers 401 or 503. */
export function requireUser(options) {
  const verify = verifier(options)
  return async (req, res, next) => {
    const [scheme, token, more] = (req.headers.authorization ?? '').split(' ')
    try {
      if (scheme.toLowerCase() !== 'bearer' || !token || more !== undefined) throw new Error('no token')
      req.user = await verify(token)
    } catch (e) {
      if (e instanceof Unavailable) {
        return res.status(503).set('Retry-After', '10').json({ detail: 'Please try again.', code: 'unavailable' })
      }
      console.info('access token refused:', e.message)
      const problem = scheme ? ', error="invalid_token"' : ''
      return res.status(401).set('WWW-Authenticate', `Bearer realm="orders"${problem}`).json({ detail: 'Please log in.', code: 'token_not_valid' })
    }
    next()
  }
}
