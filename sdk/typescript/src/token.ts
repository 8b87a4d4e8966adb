// What an access token says about itself. It is read, never trusted: the server alone decides.

export interface Claims {
  /** Seconds since 1970, by the server's clock. */
  exp: number
  iat: number
}

/** The six bits of a character of base64url: a-z, _, A-Z, 0-9, -. */
const sextet = (c: number) => c > 96 ? c - 71 : c === 95 ? 63 : c > 64 ? c - 65 : c > 47 ? c + 4 : 62

/**
 * claims reads the middle part of a JWT, or returns null. Without atob and TextDecoder, which telephones may lack. Its
 * dates are ASCII: names beside them are read as Latin-1 and used by nobody.
 */
export function claims(token: string | undefined): Claims | null {
  let held = 0, bits = 0, text = ''
  for (const c of token?.split('.')[1] ?? '') {
    held = held << 6 | sextet(c.codePointAt(0)!)
    if ((bits += 6) >= 8) text += String.fromCharCode(held >> (bits -= 8) & 255)
  }
  try {
    const c = JSON.parse(text)
    return c.exp > 0 && c.iat > 0 ? c : null
  } catch {
    return null
  }
}
