// A page of twelve queries, as the client's README has it: each person has a cache of their own.
import { isYoozakError, createClient } from '@yoozak/clients'
import { useAuth } from '@yoozak/clients/react'
import { QueryClient, QueryClientProvider, useQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import { createRoot } from 'react-dom/client'

const client = window.client = createClient({ url: new URLSearchParams(location.search).get('url') })

function Shop() {
  const { status, userKey } = useAuth(client)
  const queries = window.queries = useMemo(() => new QueryClient({
    defaultOptions: { queries: { retry: (n, e) => n < 2 && isYoozakError(e) && e.retryable } },
  }), [userKey]) // another person, another cache
  if (status !== 'in') return <p>login</p>
  return <QueryClientProvider client={queries} key={userKey}>{Array.from({ length: 12 }, (_, i) => <Query key={i} i={i} />)}</QueryClientProvider>
}

function Query({ i }) {
  const { data, error } = useQuery({ queryKey: ['me', i], queryFn: ({ signal }) => client.me({ signal }) })
  return <p>{error ? 'error ' + error.code : data?.first_name ?? '…'}</p>
}

createRoot(document.getElementById('root')).render(<Shop />)

window.events = []
client.onChange(({ status, reason }) => events.push(status + ' ' + reason))
window.frames_ = [] // every text that the page has had
new MutationObserver(() => frames_.push(document.body.innerText)).observe(document.body, { subtree: true, childList: true, characterData: true })
