// Whose address is it? The token goes to our server and to those that the shop has named, and to nobody else.

import { YoozakError } from './errors.js'

/**
 * serverAt takes an address apart, without URL, which telephones have half of. The error does not quote it: it may hold a
 * password. An empty entry of ClientOptions.origins would be the beginning of every address.
 */
export function serverAt(url: string, i: number): { origin: string; base: string } {
  const [, origin = '', path = '/'] = /^(https?:\/\/(?:[^/?#@\\\s:[\]*%]+|\[[\da-f:.]+\])(?::\d+)?)(\/[^?#\\\s]*)?$/i.exec(String(url).trim()) ?? []
  if (!origin || i && path !== '/') throw new YoozakError({ code: 'bad_url', message: 'url, origins: https://a.example' })
  return { origin: origin.toLowerCase(), base: origin + path.replace(/\/+$/, '') + '/api/clients/' }
}

/** originOf is all of a URL before its path: what else stands there (a user, a tab) makes it another origin. */
export const originOf = (url: string) => /^\w+:\/\/[^/?#]*/.exec(url)?.[0]

/** absolute is the URL that fetch would ask, so far as it matters for whose it is. */
export function absolute(url: string): string {
  const here = globalThis.location?.origin
  return /^\/(?![/\\])/.test(url) && here ? here + url : url
}

/** plain is a path without its query, which may hold what is nobody's business. */
export const plain = (path: string) => path.replace(/[?#].*/s, '')
