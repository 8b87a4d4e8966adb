// The shop as a customer uses it: on a telephone and at a desk, in French and in Arabic, with a content security policy,
// looked through by axe. With UPDATE=1 the pictures of docs/images are taken anew; with PICTURES=folder a picture of every
// page is put there, in English, too.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { accessSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import http from 'node:http'
import { extname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { chromium } from 'playwright-core'
import { App, name, PASSWORD, Server, until } from '../../../sdk/typescript/test/rig.mjs'

const root = join(import.meta.dirname, '..'), dist = join(root, 'dist'), images = join(root, '../../docs/images')
const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(path => {
  try { accessSync(path); return true } catch { return false }
})
const axe = readFileSync(join(root, 'node_modules/axe-core/axe.min.js'), 'utf8')
const kinds = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' }
const shown = new Set(['home', 'register-refused', 'profile', 'devices', 'second', 'setup', 'codes', 'security', 'confirm'])

const patience = 120_000 // a machine that runs everything at once is slow, and no test is about that
let shop, server, browser
before(async () => {
  shop = http.createServer((req, res) => {
    const path = new URL(req.url, 'http://x').pathname
    const file = /^\/(assets\/[\w.-]+|star\.svg)$/.test(path) ? join(dist, path) : join(dist, 'index.html')
    res.writeHead(200, {
      'Content-Type': kinds[extname(file)],
      'Content-Security-Policy': `default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self' ${server.url}; base-uri 'none'; form-action 'self'`,
    }).end(readFileSync(file))
  })
  await new Promise(done => shop.listen(0, '127.0.0.1', done))
  shop.url = 'http://localhost:' + shop.address().port // passkeys are for names
  server = await Server.start({ YOOZAK_LINK_TEMPLATE: shop.url + '/account/{action}?lang={language}#{token}', YOOZAK_PUBLIC_URL: '', YOOZAK_PASSKEY_RP_ID: 'localhost', YOOZAK_PASSKEY_ORIGINS: shop.url })
  execFileSync('npm', ['run', 'build', '--silent'], { cwd: root, env: { ...process.env, VITE_ACCOUNTS_URL: server.url, VITE_PASSKEYS: 'on' } })
  browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--font-render-hinting=none'] })
})
after(async () => {
  await browser?.close()
  shop?.closeAllConnections()
  shop?.close()
  await server?.stop()
})

// customer opens the shop in a browser of their own.
async function customer(language, width) {
  const context = await browser.newContext({
    viewport: { width, height: width < 600 ? 740 : 800 }, permissions: ['clipboard-read', 'clipboard-write'], locale: { fr: 'fr-MA', ar: 'ar-MA', en: 'en-GB' }[language], timezoneId: 'Africa/Casablanca', reducedMotion: 'reduce',
    userAgent: width < 600 ? 'Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36' : 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
  })
  context.setDefaultTimeout(patience)
  const page = await context.newPage()
  const complaints = []
  page.on('console', m => ['error', 'warning'].includes(m.type()) && !/Failed to load resource/.test(m.text()) && complaints.push(m.text()))
  page.on('pageerror', e => complaints.push(String(e)))
  const look = async what => {
    await page.evaluate(() => document.fonts.ready)
    await page.evaluate(axe)
    const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }))
    assert.deepEqual(violations.map(v => `${v.id}: ${v.nodes.map(n => n.target).join(' ')}`), [], `${what} ${language} ${width}`)
    const { scroll, client, lang, dir } = await page.evaluate(() => ({ scroll: document.documentElement.scrollWidth, client: document.documentElement.clientWidth, lang: document.documentElement.lang, dir: getComputedStyle(document.querySelector('h1')).direction }))
    assert.ok(scroll <= client, `${what} ${language} ${width}: ${scroll} pixels wide`)
    assert.deepEqual([lang, dir], [language, language === 'ar' ? 'rtl' : 'ltr'])
    const folder = process.env.PICTURES || process.env.UPDATE && shown.has(what) && images
    if (folder) {
      mkdirSync(folder, { recursive: true })
      await page.screenshot({ path: join(folder, `storefront-${what}.${language}-${width}.png`), fullPage: width < 600 && !await page.getByRole('dialog').count() })
    }
  }
  return { context, page, look, complaints }
}

// The mails of the server's folder, the newest of a kind to an address.
async function link(address, action) {
  const folder = join(server.folder, 'mails')
  let found
  await until(`the mail ${action} to ${address}`, () => {
    if (!existsSync(folder)) return false // it comes with the first mail
    const mails = readdirSync(folder).filter(f => f.endsWith('.eml')).sort((a, b) => statSync(join(folder, b)).mtimeMs - statSync(join(folder, a)).mtimeMs)
    for (const f of mails) {
      const text = readFileSync(join(folder, f), 'utf8').replace(/=\r?\n/g, '').replace(/=3D/g, '=').replace(/=26/g, '&')
      if (text.includes(address)) found = new RegExp(`${shop.url}/account/${action}[^\\s"<>]+`).exec(text)?.[0]
      if (found) return true
    }
  })
  return found.replace(/&amp;/g, '&')
}

const languages = process.env.PICTURES ? ['fr', 'ar', 'en'] : ['fr', 'ar']
const people = { fr: ['Amina', 'Alaoui'], ar: ['أمينة', 'العلوي'], en: ['Amina', 'Alaoui'] }
const words = {
  fr: { register: 'Créer un compte', logIn: 'Se connecter', logOut: 'Se déconnecter', save: 'Enregistrer', saved: 'C’est enregistré.', verify: 'Vérifier mon adresse', verified: 'Merci', change: 'Changer', changed: 'a changé', send: 'Envoyer le lien', choose: 'Choisir ce mot de passe', devices: 'Appareils', password: 'Mot de passe', profile: 'Profil', end: 'Déconnecter ' },
  ar: { register: 'إنشاء حساب', logIn: 'تسجيل الدخول', logOut: 'تسجيل الخروج', save: 'حفظ', saved: 'تم الحفظ', verify: 'تأكيد عنواني', verified: 'شكرا', change: 'تغيير', changed: 'تغيّرت', send: 'إرسال الرابط', choose: 'اعتماد كلمة المرور', devices: 'الأجهزة', password: 'كلمة المرور', profile: 'معلوماتي', end: 'إخراج ' },
  en: { register: 'Create an account', logIn: 'Log in', logOut: 'Log out', save: 'Save', saved: 'Saved.', verify: 'Verify my address', verified: 'Thank you', change: 'Change', changed: 'has changed', send: 'Send the link', choose: 'Choose this password' },
}

for (const language of languages) for (const width of [360, 1280]) {
  test(`${language}, ${width} pixels`, async () => {
    const w = words[language], [first, last] = people[language]
    const username = { fr: { 360: 'amina', 1280: 'amina.alaoui' }, ar: { 360: 'amina92', 1280: 'alaoui.amina' }, en: { 360: 'amina.a', 1280: 'alaoui.am' } }[language][width]
    const email = username + '@example.ma', next = 'Olive-Tagine-77-moon'
    const { context, page, look, complaints } = await customer(language, width)
    const press = text => page.locator('main').getByRole('button', { name: text, exact: true }).click()
    const fill = async fields => { for (const [n, v] of Object.entries(fields)) await page.fill(`main [name=${n}]`, v) }
    const says = text => page.locator('main').getByText(text).first().waitFor()

    await page.goto(shop.url + '/')
    await page.locator('h1').waitFor()
    await look('home')
    await page.goto(shop.url + '/register')
    await page.locator('form').waitFor()
    await look('register')
    await fill({ first_name: first, last_name: last, username: 'amina alaoui', email: 'amina@', password: '12345678' })
    await press(w.register)
    await page.locator('[aria-invalid=true]').first().waitFor()
    assert.equal(await page.evaluate(() => document.activeElement.name), 'username') // the cursor is where something is wrong
    await look('register-refused')
    await fill({ username, email, password: PASSWORD })
    await press(w.register)
    await page.locator('dl').waitFor()

    await page.goto(await link(email, 'verify-email'))
    await page.locator('form').waitFor()
    await look('verify')
    await press(w.verify)
    await says(w.verified)
    await look('verified')
    assert.equal(new URL(page.url()).hash, '') // a used token does not stay in the address

    await page.goto(shop.url + '/account')
    await page.locator('dl .tag.good').waitFor()
    await fill({ last_name: last + ' B.' })
    await press(w.save)
    await says(w.saved)
    await fill({ last_name: last })
    await press(w.save)
    await page.waitForFunction(last => document.querySelector('[name=last_name]').defaultValue === last, last)
    await look('profile')

    const desk = await customer(language, 1280) // a second device
    await desk.page.goto(shop.url + '/login')
    await desk.page.fill('[name=username]', email)
    await desk.page.fill('[name=password]', PASSWORD)
    await desk.page.locator('main').getByRole('button', { name: w.logIn, exact: true }).click()
    await desk.page.locator('dl').waitFor()
    await page.goto(shop.url + '/account/devices')
    await page.locator('.devices li').nth(1).waitFor()
    await look('devices')
    await page.locator('.devices form button').first().click()
    await page.waitForFunction(() => document.querySelectorAll('.devices li').length === 1)
    await desk.page.goto(shop.url + '/account/devices')
    await desk.page.locator('[role=status]').waitFor() // "your session is over", above the login
    await desk.look('ended')
    assert.deepEqual(desk.complaints, [])
    await desk.context.close()

    await page.goto(shop.url + '/account/password')
    await page.locator('form').waitFor()
    await fill({ current_password: 'wrong', new_password: next })
    await press(w.change)
    await page.locator('[aria-invalid=true]').waitFor()
    await look('password-refused')
    await fill({ current_password: PASSWORD, new_password: next })
    await press(w.change)
    await says(w.changed)
    await look('password')
    await page.getByRole('button', { name: w.logOut, exact: true }).click()
    await page.locator('[name=username]').waitFor()

    await page.goto(shop.url + '/login')
    await fill({ username: email, password: 'wrong' })
    await press(w.logIn)
    await page.locator('[role=alert]').waitFor()
    await look('login-refused')
    await page.goto(shop.url + '/forgotten')
    await fill({ email })
    await look('forgotten')
    await press(w.send)
    await says(email)
    await look('sent')
    await page.goto(await link(email, 'reset-password'))
    await page.locator('form').waitFor()
    await look('reset')
    await fill({ new_password: PASSWORD })
    await press(w.choose)
    await says(w.changed)
    await page.goto(shop.url + '/login')
    await fill({ username, password: PASSWORD })
    await press(w.logIn)
    await page.locator('dl').waitFor()
    await page.goto(shop.url + '/nowhere')
    await page.locator('h1').waitFor()
    await look('not-found')
    assert.deepEqual(complaints, [])
    await context.close()
  })
}

const factorWords = {
  fr: { addApp: 'Ajouter une application', turnOn: 'Activer', finish: 'Terminer', copy: 'Copier', name: 'Téléphone d’Amina', byRecovery: 'Utiliser un code de secours', newCodes: 'Nouveaux codes', cancel: 'Annuler', confirm: 'Confirmer', addPasskey: 'Ajouter une clé d’accès', byPasskey: 'Se connecter avec une clé d’accès', remove: 'Retirer', distrust: 'Ne plus faire confiance', off: 'Désactivée', removed: 'est retiré', usePasskey: 'Continuer avec la clé d’accès' },
  ar: { addApp: 'إضافة تطبيق', turnOn: 'تفعيل', finish: 'إنهاء', copy: 'نسخ', name: 'هاتف أمينة', byRecovery: 'استعمال رمز طوارئ', newCodes: 'رموز جديدة', cancel: 'إلغاء', confirm: 'تأكيد', addPasskey: 'إضافة مفتاح مرور', byPasskey: 'الدخول بمفتاح مرور', remove: 'إزالة', distrust: 'إلغاء الثقة', off: 'غير مفعّلة', removed: 'تمت الإزالة', usePasskey: 'المتابعة بمفتاح المرور' },
  en: { addApp: 'Add an app', turnOn: 'Turn on', finish: 'Finish', copy: 'Copy', name: 'Amina’s phone', byRecovery: 'Use a recovery code', newCodes: 'New codes', cancel: 'Cancel', confirm: 'Confirm', addPasskey: 'Add a passkey', byPasskey: 'Log in with a passkey', remove: 'Remove', distrust: 'Stop trusting', off: 'Off', usePasskey: 'Continue with the passkey' },
}

for (const language of languages) for (const width of [360, 1280]) {
  test(`a second step: ${language}, ${width} pixels`, async () => {
    const w = { ...words[language], ...factorWords[language] }, [first, last] = people[language]
    const { context, page, look, complaints } = await customer(language, width)
    const username = name(), main = page.locator('main'), dialog = page.getByRole('dialog')
    const press = (text, where = main) => where.getByRole('button', { name: text, exact: true }).click()
    const fill = async fields => { for (const [n, v] of Object.entries(fields)) await page.fill(`main [name=${n}]`, v) }
    const logIn = async () => {
      await page.locator('aside').getByRole('button', { name: w.logOut, exact: true }).click()
      await page.goto(shop.url + '/login')
      await fill({ username, password: PASSWORD })
      await press(w.logIn)
    }
    const security = async () => {
      await page.goto(shop.url + '/account/security')
      await page.locator('.title .tag').waitFor()
    }
    const authenticator = await context.newCDPSession(page)
    await authenticator.send('WebAuthn.enable')
    await authenticator.send('WebAuthn.addVirtualAuthenticator', {
      options: { protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
    })

    await page.goto(shop.url + '/register')
    await fill({ first_name: first, last_name: last, username, password: PASSWORD })
    await press(w.register)
    await page.locator('dl').waitFor()
    await security()
    await look('security-none')

    // An app: the secret is shown once, a wrong code is refused beside its field.
    await press(w.addApp)
    await page.locator('.qr svg').waitFor()
    const app = new App((await page.locator('.secret-key').innerText()).replace(/\s/g, ''))
    await look('setup')
    await fill({ code: '12345' })
    await press(w.turnOn)
    await page.locator('[name=code][aria-invalid=true]').waitFor()
    await look('setup-refused')
    await fill({ code: app.code(), name: w.name })
    await press(w.turnOn)
    await page.locator('.codes li').first().waitFor()
    const codes = await page.locator('.codes li').allInnerTexts()
    assert.equal(codes.length, 10)
    await look('codes')
    await press(w.copy)
    await until('the codes in the clipboard', async () => await page.evaluate(() => navigator.clipboard.readText()) === codes.join('\n'))
    await page.emulateMedia({ media: 'print' })
    assert.deepEqual([await page.locator('.codes li').first().isVisible(), await page.locator('header').isVisible(), await page.locator('.codes form').isVisible()], [true, false, false])
    await page.emulateMedia({ media: 'screen' })
    await press(w.finish)
    await page.locator('[name=kept][aria-invalid=true]').waitFor()
    await look('codes-not-kept')
    await page.check('[name=kept]')
    await press(w.finish)
    await page.locator('.factors').getByText(w.name).waitFor()

    // The second step: refused, then right, and this device is trusted.
    await logIn()
    await page.locator('[name=code]').waitFor()
    assert.equal(await page.evaluate(() => document.activeElement.name), 'code')
    await look('second')
    await fill({ code: '12345' })
    await press(w.logIn)
    await page.locator('[name=code][aria-invalid=true]').waitFor()
    await look('second-refused')
    await fill({ code: app.code() })
    await page.check('[name=trust]')
    await press(w.logIn)
    await page.locator('dl').waitFor()
    await logIn()
    await page.locator('dl').waitFor() // the password is enough

    // A trusted device shows nothing of its user: what can lose the account asks first.
    await security()
    await page.getByRole('button', { name: w.distrust }).waitFor()
    await press(w.newCodes)
    await dialog.locator('[name=code]').waitFor()
    await look('confirm')
    await press(w.cancel, dialog)
    await page.locator('main [role=alert]').waitFor()
    await press(w.newCodes)
    await press(w.byRecovery, dialog)
    await dialog.locator('[name=recovery_code]').fill('0000-0000-0000-0000-0000-0000')
    await press(w.confirm, dialog)
    await dialog.locator('[aria-invalid=true]').waitFor()
    await look('confirm-refused')
    await dialog.locator('[name=recovery_code]').fill(codes[0].toLowerCase())
    await press(w.confirm, dialog)
    await page.locator('.codes li').nth(9).waitFor()
    assert.notDeepEqual(await page.locator('.codes li').allInnerTexts(), codes)
    await page.check('[name=kept]')
    await press(w.finish)

    await page.getByRole('button', { name: w.distrust }).waitFor()
    await look('security')

    // A passkey: made, and a login with nothing else. Another set of factors ends what was trusted.
    await press(w.addPasskey)
    await page.locator('.card').first().locator('.factors li').nth(1).waitFor()
    await page.getByRole('button', { name: w.distrust }).waitFor({ state: 'detached' }) // the list of devices is read after the factors
    await look('security-passkey')
    await page.getByRole('button', { name: w.logOut, exact: true }).click()
    await page.goto(shop.url + '/login')
    await page.locator('form.or').waitFor()
    await look('login-passkey')
    await press(w.byPasskey)
    await page.locator('dl').waitFor()

    // Both go; then the password is enough again.
    await security()
    for (const left of [1, 0]) {
      await page.locator('.card').first().locator('.factors li > button').first().click()
      await page.locator('.sure').waitFor()
      await look('remove-' + left)
      await press(w.remove, page.locator('.sure'))
      await page.waitForFunction(n => document.querySelectorAll('.factors li').length === n, left)
    }
    await main.getByText(w.off, { exact: true }).waitFor()
    await logIn()
    await page.locator('dl').waitFor()
    assert.deepEqual(complaints, [])
    await context.close()
  })
}

test('a challenge that is over leads back to the password, with the reason', async () => {
  const { context, page } = await customer('fr', 1280)
  const w = { ...words.fr, ...factorWords.fr }, username = name(), main = page.locator('main')
  const press = text => main.getByRole('button', { name: text, exact: true }).click()
  await page.goto(shop.url + '/register')
  await page.fill('[name=username]', username)
  await page.fill('[name=password]', PASSWORD)
  await press(w.register)
  await page.locator('dl').waitFor()
  await page.goto(shop.url + '/account/security')
  await press(w.addApp)
  const app = new App((await page.locator('.secret-key').innerText()).replace(/\s/g, ''))
  await page.fill('[name=code]', app.code())
  await press(w.turnOn)
  await page.locator('.codes li').first().waitFor()
  await page.goto(shop.url + '/account')
  await page.locator('aside').getByRole('button', { name: w.logOut, exact: true }).click()
  await page.fill('[name=username]', username)
  await page.fill('[name=password]', PASSWORD)
  await press(w.logIn)
  await press(w.byRecovery)
  for (let i = 0; i < 6 && await page.locator('[name=recovery_code]').count(); i++) { // five tries
    const answered = page.waitForResponse(r => r.url().endsWith('/login/second/') && r.request().method() === 'POST')
    await page.fill('[name=recovery_code]', '0000-0000-0000-0000-0000-000' + i)
    await main.locator('form button.primary').click()
    await answered
    await page.waitForFunction(() => !document.querySelector('form[aria-busy=true]') && !document.querySelector('form button.primary:disabled'))
  }
  await page.locator('[name=password]').waitFor()
  assert.ok(await main.locator('.notice.warn').innerText())
  await context.close()
})

test('in two tabs: whoever logs out in one is out in the other, and nothing of the first person is shown to the second', async () => {
  const { context, page } = await customer('fr', 1280)
  const w = words.fr, people = [name(), name()]
  const other = await context.newPage()
  await page.goto(shop.url + '/register')
  const register = async username => {
    await page.fill('[name=username]', username)
    await page.fill('[name=first_name]', 'P-' + username)
    await page.fill('[name=password]', PASSWORD)
    await page.locator('main').getByRole('button', { name: w.register, exact: true }).click()
    await page.locator('dl').waitFor()
  }
  await register(people[0])
  await other.goto(shop.url + '/account')
  await other.locator('dl').waitFor()
  await page.getByRole('button', { name: w.logOut, exact: true }).click()
  await other.locator('[name=password]').waitFor()
  await page.goto(shop.url + '/register')
  await register(people[1])
  await other.locator('dl').waitFor()
  for (const p of [page, other]) {
    const text = await p.evaluate(() => document.body.innerHTML)
    assert.ok(text.includes(people[1]) && !text.includes(people[0]))
  }
  await context.close()
})

test('a picture of each page that the READMEs show is there, and small', () => {
  for (const what of shown) for (const language of ['fr', 'ar']) for (const width of [360, 1280]) {
    const { size } = statSync(join(images, `storefront-${what}.${language}-${width}.png`))
    assert.ok(size > 2000 && size < 400_000, `${what}: ${size} bytes`)
  }
})
