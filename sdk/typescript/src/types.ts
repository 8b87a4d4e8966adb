// The shapes of requests and answers, by short names.

export interface User { id: number; username: string; email: string; first_name: string; last_name: string }
export interface Credentials { username: string; password: string }
export interface Registration extends Credentials { email?: string | undefined; first_name?: string | undefined; last_name?: string | undefined }
export interface ProfileChange { first_name?: string | undefined; last_name?: string | undefined; username?: string | undefined; password?: string | undefined }
export interface Device { id: string; created_at: string; last_used_at: string; expires_at: string; ip: string; device: string; current: boolean }
export interface AccountEvent { id: number; at: string; kind: string; text: string; ip: string; device: string; current_session: boolean }
export interface AccountSecurity {
  email_verified: boolean; email_verified_at: string | null; password_changed_at: string | null
  joined_at: string; last_login_at: string | null; open_sessions: number
}
export interface AccountExport { exported_at: string; user: User & Record<string, unknown>; [table: string]: unknown }
