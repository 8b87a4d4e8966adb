// Whose address is it? The token goes to our server and to those that the shop has named, and to nobody else.

import { YoozakError } from './errors.js'

/** serverAt takes the server's address apart, without URL, which telephones have half of. */
export function serverAt(url: string): { origin: string; base: string } {
  const [, origin = '', path = ''] = /^(https?:\/\/[^/?#@\\\s]+)(\/[^?#\\\s]*)?$/i.exec(String(url).trim()) ?? []
  if (!origin) throw new YoozakError({ code: 'bad_url', message: `url must be like https://a.example, not ${url}` })
  return { origin: origin.toLowerCase(), base: origin + path.replace(/\/+$/, '') + '/api/clients/' }
}

/** startsAt reports whether a URL is of exactly this origin: what follows it must not make it another host. */
export const startsAt = (url: string, origin: string) => url.startsWith(origin) && /^([/?#]|$)/.test(url.slice(origin.length))

/** absolute is the URL that fetch would ask, so far as it matters for whose it is. */
export function absolute(url: string): string {
  const here = globalThis.location?.origin
  return /^\/(?![/\\])/.test(url) && here ? here + url : url
}

/** plain is a path without its query, which may hold what is nobody's business. */
export const plain = (path: string) => path.replace(/[?#].*/s, '')
