import { createClient } from '@yoozak/clients'
import { factorsOf, passkeysOf } from '@yoozak/clients/factors'
import { askForProof } from './proof'

/** The customer's account. One client for the whole page; it keeps the session for all tabs. */
export const client = createClient({ url: import.meta.env.VITE_ACCOUNTS_URL ?? 'http://127.0.0.1:8000', onConfirmRequired: askForProof })

/** Second factors, trusted devices. */
export const factors = factorsOf(client)

export const passkeys = passkeysOf(client)

/** Whether to offer passkeys: the browser can, and the server has a name for them (YOOZAK_PASSKEY_RP_ID). */
export const hasPasskeys = passkeys.supported && import.meta.env.VITE_PASSKEYS === 'on'
