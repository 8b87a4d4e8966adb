// Builds dist/: each source file as an ES module and as CommonJS, with declarations of both kinds. Files are not
// bundled, so that who reads a stack finds the line, and bundlers drop what is not used.
import { execFileSync } from 'node:child_process'
import { copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { buildSync } from 'esbuild'

process.chdir(import.meta.dirname)
rmSync('dist', { recursive: true, force: true })
copyFileSync('../../LICENSE', 'LICENSE') // npm packs it from here
execFileSync(process.execPath, ['node_modules/typescript/bin/tsc'], { stdio: 'inherit' })

const common = text => text.replaceAll(/((?:from|require\(|import\()\s*["']\.\/\w+)\.js(["'])/g, '$1.cjs$2')
const sources = readdirSync('src').filter(name => !['types.ts', 'openapi.ts'].includes(name)) // shapes alone
for (const [format, ending] of [['esm', '.js'], ['cjs', '.cjs']]) {
  buildSync({
    entryPoints: sources.map(name => 'src/' + name), outdir: 'dist', format, outExtension: { '.js': ending },
    target: 'es2020', sourcemap: true, sourcesContent: true, logLevel: 'warning',
  })
}
for (const name of readdirSync('dist')) {
  const file = 'dist/' + name
  if (name.endsWith('.cjs')) writeFileSync(file, common(readFileSync(file, 'utf8')))
  if (name.endsWith('.d.ts')) writeFileSync(file.replace(/\.d\.ts$/, '.d.cts'), common(readFileSync(file, 'utf8')))
}
