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
/** A login on a device. */
export interface Device extends Shape<'Session'> {}
export interface AccountEvent extends Shape<'AccountEvent'> {}
export interface AccountSecurity extends Shape<'Security'> {}
export interface AccountExport extends Shape<'AccountExport'> {}
/** What a login brings. */
export interface Tokens extends Shape<'TokenResponse'> {}
