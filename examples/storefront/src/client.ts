import { createClient } from '@yoozak/clients'

/** The customer's account. One client for the whole page; it keeps the session for all tabs. */
export const client = createClient({ url: import.meta.env.VITE_ACCOUNTS_URL ?? 'http://127.0.0.1:8000' })
