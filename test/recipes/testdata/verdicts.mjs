// Reads a token from each line (JSON) and writes what the recipe says to it: good, 401 or 503.
import { createInterface } from 'node:readline'
const { verifier, Unavailable } = await import(process.argv[2])

const verify = verifier({ keySetURL: process.env.YOOZAK_KEY_SET_URL, issuer: process.env.YOOZAK_ISSUER, audience: process.env.YOOZAK_AUDIENCE || undefined })
for await (const line of createInterface({ input: process.stdin })) {
  try {
    const { id } = await verify(JSON.parse(line))
    console.log(id === 42 ? 'good' : `user ${id}`)
  } catch (e) {
    console.log(e instanceof Unavailable ? '503' : e instanceof TypeError ? `${e.stack}` : '401')
  }
}
