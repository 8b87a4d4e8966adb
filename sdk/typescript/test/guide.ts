// The guide's code, and what its types must say. It is compiled, in every way that people have; never run.
import { createClient, isYoozakError, memoryStore, secureStore, YoozakError, type Client, type ErrorCode, type State, type Store, type User } from '@yoozak/clients'
import { useAuth } from '@yoozak/clients/react'
import { serverClient } from '@yoozak/clients/server'

const client: Client = createClient({ url: 'https://accounts.shop.example', language: undefined, store: memoryStore(), name: undefined })

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false
const holds = <T extends true>(): T | undefined => undefined

export async function guide(): Promise<string> {
  const user = await client.login({ username: 'amina', password: 'kV7-pazouk-42' }, { timeout: 1000, signal: new AbortController().signal })
  holds<Equal<typeof user, User>>()
  await client.register({ username: 'a', password: 'b', email: undefined })
  await client.updateMe({ first_name: 'Amina' })
  const devices = await client.sessions()
  for (const d of devices) if (!d.current) await client.endSession(d.id)
  const [event] = await client.events({ before: 7 })
  const security = await client.security()
  holds<Equal<typeof security.last_login_at, string | null>>()
  const stop: () => void = client.onChange((state: State) => { if (state.status === 'out') location(state.reason) })
  stop()
  try {
    await client.changePassword({ current_password: 'a', new_password: 'b' })
  } catch (e) {
    if (!isYoozakError(e)) throw e
    holds<Equal<typeof e.fields.username, string[] | undefined>>()
    const texts: string[] | undefined = e.fields.new_password
    const code: ErrorCode = e.code
    switch (e.code) {
      case 'taken': return texts?.[0] ?? ''
      case 'throttled': return `${e.retryAfter ?? 1} s`
      default: return code // a code of a newer server
    }
  }
  const answer = await client.fetch('https://api.shop.example/orders', { method: 'POST', body: '{}' })
  // @ts-expect-error: a field that registration does not have
  await client.register({ username: 'a', password: 'b', phone: '06' })
  // @ts-expect-error: a status that there is not
  if (client.state().status === 'logged in') return ''
  const error: Error = new YoozakError({ code: 'network', message: 'x' })
  return `${event?.text} ${answer.status} ${error.message} ${await client.logout()}`
}
declare function location(reason: string | null): void

export const store: Store = { get: async () => null, set: async () => {} }
export const safe = secureStore({ getItemAsync: async () => null, setItemAsync: async () => {} })
export const hook = () => useAuth(client).user?.first_name
export const page = async (request: Request) => {
  const s = serverClient(request, { url: 'https://accounts.shop.example', days: 60 })
  return s.respond(new Response((await s.client.me()).username))
}
