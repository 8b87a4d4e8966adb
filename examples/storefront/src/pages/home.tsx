import { useAuth } from '@yoozak/clients/react'
import { client } from '../client'
import { Link } from '../route'
import { useText } from '../text'
import { Zellige } from '../zellige'

export function Home() {
  const { t } = useText()
  const { status, user } = useAuth(client)
  const goods: [string, number, string][] = [[t.bowl, 240, 'bowl'], [t.rug, 3900, 'rug'], [t.lamp, 680, 'lamp'], [t.tray, 520, 'tray']]
  return (
    <>
      <div className="hero">
        <Zellige />
        <div>
          <h1 tabIndex={-1}>{status === 'in' && user ? t.hello(user.first_name || user.username) : t.heroTitle}</h1>
          <p>{t.heroText}</p>
          {status === 'out' && <Link href="/register" className="primary light">{t.heroLink}</Link>}
          {status === 'in' && <Link href="/account" className="primary light">{t.account}</Link>}
        </div>
      </div>
      <h2>{t.chosen}</h2>
      <ul className="goods">
        {goods.map(([name, price, what]) => <li key={what}><Thing what={what} /><strong>{name}</strong><span className="soft">{t.price(price)}</span></li>)}
      </ul>
    </>
  )
}

const drawings: Record<string, React.ReactNode> = {
  bowl: <><ellipse cx="60" cy="50" rx="40" ry="11" fill="#0e7c66" /><path d="M20 50c0 26 18 38 40 38s40-12 40-38c-4 8-20 11-40 11S24 58 20 50Z" fill="#fffdf8" stroke="#d9c7a3" strokeWidth="1.5" /><path d="M27 66c20 10 46 10 66 0M34 76c16 7 36 7 52 0" stroke="#0b5d4e" strokeWidth="3" fill="none" /><rect x="46" y="87" width="28" height="6" rx="2" fill="#d9c7a3" /></>,
  rug: <><rect x="28" y="16" width="64" height="84" fill="#a8452c" /><rect x="35" y="23" width="50" height="70" fill="#f1e2c4" /><path d="M60 30 78 58 60 86 42 58Z" fill="#123f4a" /><path d="M60 42 70 58 60 74 50 58Z" fill="#c96f43" /><path d="M30 12v4m10-4v4m10-4v4m10-4v4m10-4v4m10-4v4m10-4v4M30 100v5m10-5v5m10-5v5m10-5v5m10-5v5m10-5v5m10-5v5" stroke="#a8452c" strokeWidth="2" /></>,
  lamp: <><path d="M60 10v14" stroke="#7c5a23" strokeWidth="3" /><path d="M48 24h24l4 10H44Z" fill="#b98a3a" /><path d="M44 34h32l8 34-10 22H46L36 68Z" fill="#e8b75a" /><path d="M52 34 46 68l6 22m16-56 6 34-6 22M38 68h44M60 34v56" stroke="#7c5a23" strokeWidth="2.4" fill="none" /><path d="M50 90h20l-4 9H54Z" fill="#b98a3a" /></>,
  tray: <><circle cx="60" cy="58" r="42" fill="#b98a3a" /><circle cx="60" cy="58" r="36" fill="#ecd7a2" /><g fill="none" stroke="#8a6a25" strokeWidth="2"><rect x="43" y="41" width="34" height="34" /><rect x="43" y="41" width="34" height="34" transform="rotate(45 60 58)" /><circle cx="60" cy="58" r="29" /></g><circle cx="60" cy="58" r="6" fill="#0b5d4e" /></>,
}
const Thing = ({ what }: { what: string }) => <svg viewBox="0 0 120 116" aria-hidden="true">{drawings[what]}</svg>
