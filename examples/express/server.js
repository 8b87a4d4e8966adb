import express from 'express'
import { requireUser } from './yoozak.js'

const app = express()
app.disable('x-powered-by')
app.use('/orders', requireUser({
  keySetURL: process.env.YOOZAK_KEY_SET_URL ?? 'https://accounts.shop.example/.well-known/jwks.json',
  issuer: process.env.YOOZAK_ISSUER ?? 'yoozak',
  audience: process.env.YOOZAK_AUDIENCE || undefined,
}))
app.all('/orders', (req, res) => res.json({ customer: req.user.id }))

const server = app.listen(Number(process.env.PORT ?? 9000), '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`))
