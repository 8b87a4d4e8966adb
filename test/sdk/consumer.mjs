// A shop's folder: the client from its tarball, as npm puts it there, beside what the shop builds with.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export const modules = join(import.meta.dirname, 'node_modules')
const sdk = join(import.meta.dirname, '../../sdk/typescript')

export function newConsumer() {
  const place = mkdtempSync(join(tmpdir(), 'yoozak-shop-')), home = join(place, 'node_modules/@yoozak/clients')
  mkdirSync(home, { recursive: true })
  execFileSync('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', place], { cwd: sdk, stdio: ['ignore', 'ignore', 'inherit'] })
  execFileSync('tar', ['-xzf', join(place, readdirSync(place).find(f => f.endsWith('.tgz'))), '-C', home, '--strip-components=1'])
  for (const m of ['react', 'react-dom', '@tanstack']) symlinkSync(join(modules, m), join(place, 'node_modules', m))
  writeFileSync(join(place, 'package.json'), '{"private": true}')
  return {
    place,
    write(file, text) {
      writeFileSync(join(place, file), text)
      return join(place, file)
    },
    remove: () => rmSync(place, { recursive: true, force: true }),
  }
}
