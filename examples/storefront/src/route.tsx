// Where we are: the path. Links change it without loading the page anew.
import { useSyncExternalStore, type AnchorHTMLAttributes } from 'react'

const moved = new Set<() => void>()
addEventListener('popstate', () => moved.forEach(f => f()))

export function go(path: string) {
  history.pushState(null, '', path)
  scrollTo(0, 0)
  moved.forEach(f => f())
}

export const usePath = () => useSyncExternalStore(f => (moved.add(f), () => moved.delete(f)), () => location.pathname.replace(/(.)\/$/, '$1'))

export function Link({ href, ...rest }: AnchorHTMLAttributes<HTMLAnchorElement> & { href: string }) {
  return <a href={href} onClick={e => {
    if (e.metaKey || e.ctrlKey || e.shiftKey || e.button) return
    e.preventDefault()
    go(href)
  }} {...rest} />
}
