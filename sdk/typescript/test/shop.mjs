// A shop's server, in a process of its own: node shop.mjs ACCOUNTS_URL. /page says who its visitor is, /open is the same for
// everybody. Both may be cached by whoever likes, so far as the shop's careless pages say. It prints its address.
import http from 'node:http'
import { serverClient } from '../dist/server.js'

const [url] = process.argv.slice(2)
const careless = { headers: { 'Cache-Control': 'public, s-maxage=60', Vary: 'Accept-Language' } }

async function answer(request) {
  if (new URL(request.url).pathname === '/open') return Response.json({ open: true }, careless)
  const { client, respond } = serverClient(request, { url })
  const body = await client.me().then(({ username }) => ({ username }), e => ({ code: e.code }))
  return respond(Response.json(body, careless))
}

const server = http.createServer(async (req, res) => {
  const { status, headers, body } = await answer(new Request('http://shop' + req.url, { headers: new Headers(Object.entries(req.headers)) }))
  await new Promise(done => setTimeout(done, Math.random() * 100)) // pages come in another order than they were asked for
  res.writeHead(status, [...headers].flat())
  for await (const part of body) res.write(part)
  res.end()
})
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`))
process.on('disconnect', () => process.exit()) // the test is over
