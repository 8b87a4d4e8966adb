// What an access token says about itself. It is read, never trusted: the server alone decides.

export interface Claims {
  /** Seconds since 1970, by the server's clock. */
  exp: number
  iat: number
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** claims reads the middle part of a JWT, or returns null. Without atob and TextDecoder, which telephones may lack. */
export function claims(token: string | undefined): Claims | null {
  let held = 0, bits = 0, text = ''
  for (const c of (token ?? '').split('.')[1] ?? '') {
    const value = ALPHABET.indexOf(c)
    if (value < 0) return null
    held = (held << 6 | value) & 0xfff
    if ((bits += 6) >= 8) text += '%' + (held >> (bits -= 8) & 255 | 256).toString(16).slice(1)
  }
  try {
    const c = JSON.parse(decodeURIComponent(text))
    return c.exp > 0 && c.iat > 0 ? c : null
  } catch {
    return null
  }
}
