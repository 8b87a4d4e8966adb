import { useAuth } from '@yoozak/clients/react'
import { useEffect, useRef, type ReactNode } from 'react'
import { client } from './client'
import { Confirm } from './confirm'
import { Devices } from './pages/devices'
import { Home } from './pages/home'
import { Forgot, Login, Register } from './pages/login'
import { LinkPage, Reset } from './pages/links'
import { Password } from './pages/password'
import { Profile } from './pages/profile'
import { Security } from './pages/security'
import { go, Link, usePath } from './route'
import { languages, speak, useText, type Language } from './text'

export function App() {
  const { t, language } = useText()
  const auth = useAuth(client)
  const path = usePath()
  const { title, body } = page(path, t)
  const main = useRef<HTMLElement>(null)
  const first = useRef(true)

  useEffect(() => { // who listens to the page is told that it is another one
    document.title = `${title} · ${t.shop}`
    if (first.current) first.current = false
    else main.current?.querySelector<HTMLElement>('h1')?.focus()
  }, [path, title, t])

  return (
    <>
      <a className="skip" href="#main">{t.skip}</a>
      <header className="top">
        <Link href="/" className="brand"><img src="/star.svg" alt="" width="28" height="28" />{t.shop}</Link>
        <nav>
          <label className="language">
            <span className="unseen">{t.language}</span>
            <select value={language} onChange={e => speak(e.target.value as Language)}>
              {Object.entries(languages).map(([code, name]) => <option key={code} value={code} lang={code}>{name}</option>)}
            </select>
          </label>
          {auth.status === 'in' && <Link href="/account" className="pill">{t.account}</Link>}
          {auth.status === 'out' && path !== '/login' && <Link href="/login" className="pill">{t.logIn}</Link>}
        </nav>
      </header>
      <main id="main" ref={main} key={auth.userKey ?? 'nobody'}>{body}</main>
      <footer><span>{t.footer}</span></footer>
      <Confirm />
    </>
  )
}

function page(path: string, t: ReturnType<typeof useText>['t']): { title: string; body: ReactNode } {
  switch (path) {
    case '/': return { title: t.home, body: <Home /> }
    case '/login': return { title: t.logIn, body: <Visitors><Login /></Visitors> }
    case '/register': return { title: t.register, body: <Visitors><Register /></Visitors> }
    case '/forgotten': return { title: t.forgotTitle, body: <Forgot /> }
    case '/account': return { title: t.profile, body: <Customers at={path}><Profile /></Customers> }
    case '/account/devices': return { title: t.devices, body: <Customers at={path}><Devices /></Customers> }
    case '/account/security': return { title: t.security, body: <Customers at={path}><Security /></Customers> }
    case '/account/password': return { title: t.passwordTab, body: <Customers at={path}><Password /></Customers> }
    // what links in mails lead to: YOOZAK_LINK_TEMPLATE
    case '/account/reset-password': return { title: t.resetTitle, body: <Reset /> }
    case '/account/verify-email': return { title: t.verifyTitle, body: <LinkPage title={t.verifyTitle} text={t.verifyText} button={t.verify} done={t.verifyDone} act={client.verifyEmail} /> }
    case '/account/confirm-email': return { title: t.confirmTitle, body: <LinkPage title={t.confirmTitle} text={t.confirmText} button={t.confirm} done={t.confirmDone} act={client.confirmEmail} /> }
    case '/account/undo-email': return { title: t.undoTitle, body: <LinkPage title={t.undoTitle} text={t.undoText} button={t.undo} done={t.undoDone} act={client.undoEmail} /> }
  }
  return { title: t.notFound, body: <section className="narrow"><h1 tabIndex={-1}>{t.notFound}</h1><p className="lead">{t.notFoundText}</p><Link href="/" className="primary">{t.toShop}</Link></section> }
}

/** Visitors are shown this; whoever is in goes on to their account. */
function Visitors({ children }: { children: ReactNode }) {
  const { status } = useAuth(client)
  useEffect(() => { if (status === 'in') go('/account') }, [status])
  return status === 'out' ? children : null
}

/** Customers are shown this; others the login, where they are told why. */
function Customers({ at, children }: { at: string; children: ReactNode }) {
  const { t } = useText()
  const { status, user, reason } = useAuth(client)
  if (status === 'unknown') return null
  if (status === 'out') return <Login notice={reason === 'logout' ? t.loggedOutByYou : reason ? t.loggedOutEnded : undefined} />
  const tabs: [string, string][] = [['/account', t.profile], ['/account/devices', t.devices], ['/account/security', t.securityTab], ['/account/password', t.passwordTab]]
  return (
    <div className="account">
      <aside>
        <p className="hello">{t.hello(user?.first_name || user?.username || '')}</p>
        <nav aria-label={t.account}>
          {tabs.map(([href, name]) => <Link key={href} href={href} aria-current={href === at ? 'page' : undefined}>{name}</Link>)}
          <button type="button" onClick={() => client.logout()}>{t.logOut}</button>
        </nav>
      </aside>
      <section>{children}</section>
    </div>
  )
}
