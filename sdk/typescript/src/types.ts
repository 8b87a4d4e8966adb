// The shapes of requests and answers: those of the OpenAPI document, by names that an editor shows.

import type { components } from './openapi.js'

type Schemas = components['schemas']

/** What may be left out may also be undefined, as a form has it. */
type Shape<N extends keyof Schemas> = { [K in keyof Schemas[N]]: undefined extends Schemas[N][K] ? Schemas[N][K] | undefined : Schemas[N][K] }

export interface User extends Shape<'User'> {}
export interface Credentials extends Shape<'LoginRequest'> {}
export interface Registration extends Shape<'RegisterRequest'> {}
export interface ProfileChange extends Shape<'UpdateMeRequest'> {}
export interface PasswordChange extends Shape<'ChangePasswordRequest'> {}
export interface ResetRequest extends Shape<'PasswordResetRequest'> {}
export interface PasswordReset extends Shape<'ResetPasswordRequest'> {}
export interface EmailChange extends Shape<'ChangeEmailRequest'> {}
/** The challenge of a login that waits, exactly one factor, and whether to trust this device for 30 days. */
export interface SecondStep extends Shape<'LoginSecondRequest'> {}
/** Exactly one thing that shows who it is. */
export interface Proof extends Shape<'ConfirmRequest'> {}
/** An authenticator app or a passkey. */
export interface Factor extends Shape<'Factor'> {}
export interface FactorList extends Shape<'Factors'> {}
export interface AppSecret extends Shape<'AppSecret'> {}
export interface FactorAdded extends Shape<'FactorAdded'> {}
export interface FactorUndone extends Shape<'FactorUndone'> {}
/** A recovery that waits. */
export interface Recovery extends Shape<'Recovery'> {}
export interface PasskeyAdded extends Shape<'PasskeyAdded'> {}
export interface TrustedDevice extends Shape<'TrustedDevice'> {}
/** What a code is for, and where it goes. */
export interface CodeRequest extends Shape<'CodeRequest'> {}
export interface CodeResult extends Shape<'CodeResult'> {}
/** A login on a device. */
export interface Device extends Shape<'Session'> {}
export interface AccountEvent extends Shape<'AccountEvent'> {}
export interface AccountSecurity extends Shape<'Security'> {}
export interface AccountExport extends Shape<'AccountExport'> {}
/** What a login brings. */
export interface Tokens extends Shape<'TokenResponse'> {}
