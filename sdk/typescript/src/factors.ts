// Second factors, passkeys, trusted devices and mailed codes: what the pages of an account need, and a login form does not.

import type { CallOptions, Client } from './client.js'
import { YoozakError } from './errors.js'
import type { AppSecret, CodeRequest, CodeResult, Factor, FactorAdded, FactorList, FactorUndone, PasskeyAdded, Proof, Recovery, TrustedDevice, User } from './types.js'

export interface Factors {
  /** The factors that are set up, and how many recovery codes are left. */
  list(options?: CallOptions): Promise<FactorList>
  rename(id: string, name: string, options?: CallOptions): Promise<Factor>
  remove(id: string, options?: CallOptions): Promise<void>
  /** The first step of an authenticator app: show `qr`. The password is for who has no factor yet. */
  setUpApp(fields?: { name?: string | undefined; password?: string | undefined }, options?: CallOptions): Promise<AppSecret>
  /** The second step: a code of the app. Recovery codes are there with the first factor; show them once. */
  confirmApp(code: string, id?: string, options?: CallOptions): Promise<FactorAdded>
  newRecoveryCodes(options?: CallOptions): Promise<string[]>
  devices(options?: CallOptions): Promise<TrustedDevice[]>
  endTrust(id: string, options?: CallOptions): Promise<void>
  /** "I did not add this": the token of the mail, and the password of before, without which a recovery with a waiting time begins. */
  undo(token: string, password?: string, options?: CallOptions): Promise<FactorUndone>

  /** The recovery that is under way, or null: show it to who is logged in, it may be somebody else's. */
  recovery(options?: CallOptions): Promise<Recovery | null>
  /** Stops it: by a token of the mail, or as who is logged in, with a proof by a factor. */
  stopRecovery(token?: string, options?: CallOptions): Promise<void>
  finishRecovery(token: string, options?: CallOptions): Promise<void>
  /** "This login was not me": the token of the mail ends every session. */
  notMe(token: string, options?: CallOptions): Promise<void>

  /** Mails a code, and resolves to its `code_id` whether or not anybody has the address. */
  requestCode(request: CodeRequest, options?: CallOptions): Promise<string>
  /** Uses a code. After a login by code the client is logged in. */
  useCode(codeId: string, code: string, options?: CallOptions): Promise<CodeResult>
}

/** What a client can do about the second factors of its person. */
export function factorsOf(client: Client): Factors {
  const { call } = client
  const one = (kind: string, id: string) => `auth/${kind}/${encodeURIComponent(id)}/`
  // post is a call of nobody, with the token of a mail.
  const post = <T>(path: string, body: object, o?: CallOptions) => call<T>('POST', path, body, { ...o, open: true })
  return {
    list: o => call('GET', 'auth/factors/', undefined, o),
    rename: (id, name, o) => call('PATCH', one('factors', id), { name }, o),
    remove: (id, o) => call('DELETE', one('factors', id), undefined, o),
    setUpApp: (fields, o) => call('POST', 'auth/factors/totp/', fields ?? {}, o),
    confirmApp: (code, id, o) => call('POST', 'auth/factors/totp/confirm/', { code, id }, o),
    newRecoveryCodes: async o => (await call<{ recovery_codes: string[] }>('POST', 'auth/factors/recovery/', undefined, o)).recovery_codes,
    devices: o => call('GET', 'auth/devices/', undefined, o),
    endTrust: (id, o) => call('DELETE', one('devices', id), undefined, o),
    undo: (token, password, o) => post('auth/factors/undo/', { token, password }, o),
    recovery: o => call<Recovery>('GET', 'auth/recovery/', undefined, o).catch(e => {
      if (e.status === 404) return null
      throw e
    }),
    stopRecovery: async (token, o) => { await (token ? post('auth/recovery/stop/', { token }, o) : call('DELETE', 'auth/recovery/', undefined, o)) },
    finishRecovery: (token, o) => post('auth/recovery/finish/', { token }, o),
    notMe: (token, o) => post('auth/not-me/', { token }, o),
    // verify and confirm are of who is logged in; a code for a login is of nobody
    requestCode: async (request, o) => (await call<{ code_id: string }>('POST', 'auth/code/', request, { ...o, open: !['verify', 'confirm'].includes(request.purpose) })).code_id,
    useCode: (code_id, code, o) => call('POST', 'auth/code/confirm/', { code_id, code }, { ...o, open: client.state().status === 'out' }),
  }
}

export interface Passkeys {
  /** Whether this browser has what is needed: where not, offer none. */
  readonly supported: boolean
  /** Has the browser make a passkey. The password is for who has no factor yet. */
  add(fields?: { name?: string | undefined; password?: string | undefined }, options?: CallOptions): Promise<PasskeyAdded>
  /** Logs in without a name. With `conditional` the browser offers passkeys in the form's field (autocomplete="username webauthn"). */
  login(options?: CallOptions & { conditional?: boolean | undefined }): Promise<User>
  /** The second step of a login that waits. */
  loginSecond(challenge: string, fields?: { trust?: boolean | undefined }, options?: CallOptions): Promise<User>
  confirm(options?: CallOptions): Promise<void>
}

interface Ceremony { ceremony: string; options: any }

/** What a client can do with passkeys, in a page. What a person cancels rejects with the browser's own error (NotAllowedError). */
export function passkeysOf(client: Client): Passkeys {
  const { call } = client
  const kind = globalThis.PublicKeyCredential as any // its JSON helpers are younger than TypeScript's own shapes
  const supported = typeof kind?.parseCreationOptionsFromJSON === 'function' && typeof kind.parseRequestOptionsFromJSON === 'function'
  const check = () => {
    if (!supported) throw new YoozakError({ code: 'passkeys_off', message: 'this browser has no passkeys' })
  }
  async function sign(path: string, body?: object, o?: CallOptions, open?: boolean, conditional?: boolean) {
    check()
    const { ceremony, options } = await call<Ceremony>('POST', path, body, { ...o, open })
    const credential = await navigator.credentials.get({
      publicKey: kind.parseRequestOptionsFromJSON(options), ...conditional ? { mediation: 'conditional' as const } : {}, ...o?.signal ? { signal: o.signal } : {},
    }) as any
    return { ceremony, signed: credential.toJSON() }
  }
  return {
    supported,
    async add({ name, password } = {}, o) {
      check()
      const { ceremony, options } = await call<Ceremony>('POST', 'auth/factors/passkeys/options/', { password }, o)
      const credential = await navigator.credentials.create({ publicKey: kind.parseCreationOptionsFromJSON(options), ...o?.signal ? { signal: o.signal } : {} }) as any
      return call('POST', 'auth/factors/passkeys/', { ceremony, credential: credential.toJSON(), name }, o)
    },
    async login({ conditional, ...o } = {}) {
      const { ceremony, signed } = await sign('auth/login/passkey/options/', {}, o, true, conditional)
      return (await call<{ user: User }>('POST', 'auth/login/passkey/', { ceremony, credential: signed }, { ...o, open: true })).user
    },
    async loginSecond(challenge, { trust } = {}, o) {
      const { ceremony, signed } = await sign('auth/login/passkey/options/', { challenge }, o, true)
      return client.loginSecond({ challenge, ceremony, assertion: signed, trust }, o)
    },
    async confirm(o) {
      const { ceremony, signed } = await sign('auth/confirm/passkey/options/', undefined, o)
      await client.confirm({ ceremony, assertion: signed } as Proof, o)
    },
  }
}

export type { AppSecret, CodeRequest, CodeResult, Factor, FactorAdded, FactorList, FactorUndone, PasskeyAdded, Recovery, TrustedDevice } from './types.js'
