// What can go wrong, as one class. It carries nothing that opens a door: no token, no password, no body, no query. The
// challenge of a login that waits opens none without the factor, and is not shown with the error.

/** Codes that the server is known to send, and those of the client itself. A newer server may send others: have a `default`. */
export type ErrorCode =
  // of the client
  | 'network' | 'timeout' | 'aborted' | 'logged_out' | 'storage' | 'bad_answer' | 'bad_url' | 'not_repeatable'
  // of the server: docs/errors.md
  | 'required' | 'null' | 'blank' | 'not_text' | 'not_integer' | 'too_long' | 'null_character' | 'incomplete_character'
  | 'invalid' | 'taken' | 'changed_too_often' | 'too_short' | 'too_common' | 'too_similar' | 'entirely_numeric' | 'breached'
  | 'wrong' | 'used' | 'expired' | 'verified_elsewhere' | 'no_address' | 'already_verified' | 'unchanged' | 'not_object'
  | 'no_data' | 'parse_error' | 'not_found' | 'method_not_allowed' | 'not_acceptable' | 'request_timeout' | 'too_large'
  | 'unsupported_media_type' | 'invalid_credentials' | 'not_authenticated' | 'bad_authorization_header' | 'token_not_valid'
  | 'user_not_found' | 'user_inactive' | 'throttled' | 'unavailable' | 'internal_error' | 'invalid_request'
  | 'not_boolean' | 'of_house' | 'second_factor_required' | 'confirm_required' | 'one_required' | 'other_kind' | 'wrong_clock'
  | 'unusable' | 'factor_locked' | 'too_many' | 'no_factor' | 'changed_meanwhile' | 'recovery_refused' | 'passkey_refused'
  | 'permission_denied' | 'staff_login_required' | 'edit_conflict' | 'user_closed' | 'user_not_closed' | 'user_not_active' | 'last_owner' | 'approval_over' | 'role_over'
  | 'passkey_changed' | 'no_passkey' | 'passkeys_off' | 'too_many_tries' | 'not_offered' | 'other_address' | 'not_verified'
  | 'unsupported_token_type' | 'invalid_client' | 'unauthorized_client' | 'temporarily_unavailable' | 'server_error'
  | (string & {})

/** Names of the fields that forms have. The server's own order is kept. */
export type FieldName =
  | 'username' | 'password' | 'email' | 'first_name' | 'last_name' | 'current_password' | 'new_password' | 'token' | 'refresh'
  | 'challenge' | 'code' | 'recovery_code' | 'code_id' | 'name' | 'ceremony' | 'credential' | 'assertion' | 'purpose' | 'to'
  | 'non_field_errors'
  | (string & {})

export interface ErrorDetails {
  code: ErrorCode
  /** By default the code. */
  message?: string | undefined
  status?: number | undefined
  fields?: Record<string, string[]> | undefined
  codes?: Record<string, ErrorCode[]> | undefined
  retryAfter?: number | undefined
  requestId?: string | undefined
  method?: string | undefined
  path?: string | undefined
  unknownOutcome?: boolean | undefined
  challenge?: string | undefined
  methods?: Method[] | undefined
}

/** What a person may show, the strongest first. A newer server may name others: leave out those that you do not know. */
export type Method = 'passkey' | 'totp' | 'email' | 'password' | 'recovery_code' | (string & {})

/** The password was right, and a second factor is due: ask for one of `methods`, then `loginSecond` with the `challenge`. */
export interface SecondFactorRequired extends YoozakError {
  readonly code: 'second_factor_required'
  readonly challenge: string
  readonly methods: Method[]
}

/** The person has to show again that it is them: ask for one of `methods`, then `confirm`, then the call again. */
export interface ConfirmRequired extends YoozakError {
  readonly code: 'confirm_required'
  readonly methods: Method[]
}

/** Every error that the client throws. */
export class YoozakError extends Error {
  /** HTTP status; 0 when there was no answer. */
  readonly status!: number
  /** What to program by. For an error of fields, the code of the first one. */
  readonly code!: ErrorCode
  /** Sentences to show under the fields of a form, in the caller's language. */
  readonly fields!: { readonly [name in FieldName]?: string[] | undefined }
  /** The codes of those sentences, in the same order. */
  readonly codes!: { readonly [name in FieldName]?: ErrorCode[] | undefined }
  /** Seconds to wait before the next try, where the server named them. */
  readonly retryAfter: number | undefined
  /** What your support can look up. */
  readonly requestId: string | undefined
  readonly method: string | undefined
  /** Path without query. */
  readonly path: string | undefined
  /** The server may or may not have done it: the answer was lost. Ask (`me`, `login`) before you do it again. */
  readonly unknownOutcome!: boolean
  /** Of `second_factor_required`: for `loginSecond`, within 5 minutes. Keep it in memory alone. */
  readonly challenge: string | undefined
  /** Of `second_factor_required` and `confirm_required`: what may be shown. */
  readonly methods: Method[] | undefined
  /** The same call may succeed later. */
  readonly retryable: boolean

  constructor({ message, challenge, ...details }: ErrorDetails) {
    super(message ?? details.code)
    Object.defineProperty(this, 'challenge', { value: challenge }) // not enumerable: logs do not show it
    Object.assign(this, { name: 'YoozakError', status: 0, fields: {}, codes: {}, unknownOutcome: false }, details)
    this.retryable = ['network', 'timeout'].includes(this.code) || this.status === 429 || this.status >= 500
  }
}

/** Tells whether an error is ours, also when two copies of this package are loaded. */
export const isYoozakError = (e: unknown): e is YoozakError => e instanceof Error && e.name === 'YoozakError'

export const isSecondFactorRequired = (e: unknown): e is SecondFactorRequired => isYoozakError(e) && e.code === 'second_factor_required' && !!e.challenge

export const isConfirmRequired = (e: unknown): e is ConfirmRequired => isYoozakError(e) && e.code === 'confirm_required'

/** retryAfter reads the header of RFC 9110, section 10.2.3: digits, or a date measured against the time of whoever wrote it (ms). */
export function retryAfter(text: string | null, serverTime: number): number | undefined {
  if (/^ *\d+ *$/.test(text!)) return +text!
  const at = /^\w{3}, .+ GMT$/.test(text!) ? Date.parse(text!) : NaN
  return at >= 0 ? Math.max(0, Math.ceil((at - serverTime) / 1000)) : undefined
}

/** errorOf makes the error of an answer that is no success, whoever sent it: our server, or a proxy before it. */
export function errorOf(answer: Response, body: unknown, serverTime: number): YoozakError {
  const { status, headers } = answer
  const shape = Object(body) as Record<string, unknown>
  // fromEntries, because "__proto__" is a name like any other
  const fields = Object.fromEntries((status === 400 ? Object.entries(shape) : []).filter(([, texts]) => Array.isArray(texts) && texts.every(isText))) as Record<string, string[]>
  const codes: Record<string, ErrorCode[]> = Object.create(null) // a million of one field, if somebody else than our server answered
  let code = [shape.code, shape.error].find(isText)
  for (const part of (headers.get('X-Error-Code') ?? '').split(',')) { // "code", or "field=code, field=code"
    const [name = '', value] = part.trim().split('=')
    if (value) (codes[name] ??= []).push(value)
    code = code || value || name
  }
  return new YoozakError({
    code: code || (status === 429 ? 'throttled' : status >= 500 ? 'unavailable' : 'invalid'),
    message: [shape.detail, ...Object.values(fields).map(texts => texts[0])].find(isText) ?? 'HTTP ' + status,
    status, fields, codes: { ...codes },
    retryAfter: retryAfter(headers.get('Retry-After'), Date.parse(headers.get('Date') ?? '') || serverTime), // pages of another origin cannot read Date
    requestId: headers.get('X-Request-Id') ?? undefined,
    challenge: shape.challenge as string, methods: shape.methods as string[],
  })
}

export const isText = (value: unknown): value is string => typeof value === 'string'
