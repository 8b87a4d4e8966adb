// An app whose session is a file, in a process of its own: node app.mjs URL FILE asks who is logged in.
import { readFileSync, writeFileSync } from 'node:fs'
import { createClient } from '../dist/index.js'

export function fileStore(file) {
  const held = () => {
    try {
      return JSON.parse(readFileSync(file, 'utf8'))
    } catch {
      return {}
    }
  }
  return { get: key => held()[key] ?? null, set: (key, value) => writeFileSync(file, JSON.stringify({ ...held(), [key]: value })) }
}

if (process.argv[1] === import.meta.filename) {
  const [url, file] = process.argv.slice(2)
  console.log((await createClient({ url, store: fileStore(file) }).me()).username)
}
