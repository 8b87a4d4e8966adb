// Verifies what a receiver was sent, by the standard's own library: lines of
// {"secret", "body", "headers"} come in, and a line goes out for each: "ok" or
// why not.
import { createInterface } from 'node:readline'
import { Webhook } from 'standardwebhooks'

for await (const line of createInterface({ input: process.stdin })) {
  const { secret, body, headers } = JSON.parse(line)
  try {
    new Webhook(secret).verify(body, headers)
    console.log('ok')
  } catch (error) {
    console.log(error.message)
  }
}
