// Writes src/openapi.ts: the shapes of docs/openapi.en.json, by their names. Paths are left out: the client has methods.
import { readFileSync, writeFileSync } from 'node:fs'
import openapiTS, { astToString } from 'openapi-typescript'

const document = JSON.parse(readFileSync(new URL('../../docs/openapi.en.json', import.meta.url)))
const { openapi, info, components: { schemas } } = document
const nodes = await openapiTS({ openapi, info, paths: {}, components: { schemas } })
const text = '// Made by `npm run types` from docs/openapi.en.json; do not edit.\n\n' +
  astToString(nodes).replace(/^export type (paths|webhooks|\$defs|operations) = .*\n/gm, '').replace(/^ {4}(responses|parameters|requestBodies|headers|pathItems): never;\n/gm, '')
if (process.argv[2] === 'check') {
  if (readFileSync(new URL('src/openapi.ts', import.meta.url), 'utf8') !== text) throw new Error('src/openapi.ts is not what docs/openapi.en.json says: run npm run types')
} else writeFileSync(new URL('src/openapi.ts', import.meta.url), text)
