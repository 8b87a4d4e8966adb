// A customer's day on a telephone: run by Node against a server, whose answers are kept, and by Hermes with these answers.
module.exports = async (sdk, url, user, password, fetch) => {
  const held = new Map()
  const store = { get: async key => held.get(key), set: async (key, value) => { held.set(key, value) } }
  const client = sdk.createClient({ url, store, fetch, language: 'ar' })
  const said = [client.state().status], changes = []
  client.onChange(state => changes.push(state.status))
  await client.register({ username: user, password, first_name: 'أمينة' })
  said.push((await client.me()).first_name)
  for (const [key, text] of held) if (text.startsWith('{')) held.set(key, JSON.stringify({ ...JSON.parse(text), access: 'not.good.more' }))
  const again = sdk.createClient({ url, store, fetch, language: 'ar' }) // the app is started anew, with a token that is refused
  said.push((await again.me()).first_name)
  said.push((await again.fetch(url + '/api/clients/clients/me/', { headers: { 'X-Shop': '1' } })).status)
  const wrong = await client.login({ username: user, password: 'x' }).catch(e => e)
  said.push(sdk.isYoozakError(wrong), wrong instanceof sdk.YoozakError, wrong instanceof Error, wrong.name, wrong.status, wrong.code, wrong.message.length > 5)
  const form = await client.register({ username: 'a b', password: 'x', email: 'a' }).catch(e => e)
  said.push(form.status, form.code, Object.keys(form.fields).join(), form.codes.username.join())
  const stop = new AbortController()
  stop.abort()
  said.push((await client.me({ signal: stop.signal }).catch(e => e)).code)
  said.push((() => { try { return sdk.createClient({ url, store, origins: [''] }) } catch (e) { return e.code } })())
  said.push(await again.logout(), again.state().status, (await again.me().catch(e => e)).code, again.state().reason)
  said.push(changes.join('>'))
  return JSON.stringify(said)
}
