// Puts the client into node_modules as npm would: from its tarball. A shop of yours has "@yoozak/clients" among its
// dependencies instead, and not this file.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const sdk = join(import.meta.dirname, '../../sdk/typescript'), home = join(import.meta.dirname, 'node_modules/@yoozak/clients')
const folder = mkdtempSync(join(tmpdir(), 'yoozak-pack-'))
execFileSync('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: sdk, stdio: ['ignore', 'ignore', 'inherit'] })
rmSync(home, { recursive: true, force: true })
mkdirSync(home, { recursive: true })
execFileSync('tar', ['-xzf', join(folder, readdirSync(folder)[0]), '-C', home, '--strip-components=1'])
rmSync(folder, { recursive: true })
