export { createClient } from './client.js'
export type { CallOptions, Client, ClientOptions, DebugEvent } from './client.js'
export { isConfirmRequired, isSecondFactorRequired, isYoozakError, YoozakError } from './errors.js'
export type { ConfirmRequired, ErrorCode, FieldName, Method, SecondFactorRequired } from './errors.js'
export type { State } from './state.js'
export { localStore, memoryStore, secureStore } from './store.js'
export type { SecureStorage, Store } from './store.js'
export type {
  AccountEvent, AccountExport, AccountSecurity, Credentials, Device, EmailChange, PasswordChange, PasswordReset, ProfileChange, Proof, Registration, ResetRequest, SecondStep, User,
} from './types.js'
