package api

import (
	"net/http"
	"strings"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/guard"
	"github.com/yoozak/clients/internal/staff"
)

// Route is one endpoint of the public API and where it is.
type Route struct {
	Method string // besides OPTIONS, and HEAD where it is GET
	Path   string // with the slash at its end
	Name   string // in answers to OPTIONS, in logs and metrics
	Status int    // of success
	Endpoint

	// OptionalAuth: an Authorization header that is not good is refused even
	// though none is needed, as the reference does at registration.
	OptionalAuth bool
	// Limit is how often a network may ask, where that is asked before the
	// body is read, and after the checks that the reference makes before it
	// asks its throttles. The zero quota is for package auth alone to count.
	Limit guard.Quota
}

// Routes is the public API, for those who have to know all of it. Nothing of
// it can be called.
func Routes() []Route { return new(Server).routes() }

// routes is the public API, in the order of its documentation.
func (s *Server) routes() []Route {
	return []Route{
		post("/api/clients/auth/register/", "Register", anyone(s.register)).answers(http.StatusCreated).optionalAuth().limit(guard.RegisterPerNetwork),
		post("/api/clients/auth/login/", "Login", anyone(s.login)).limit(guard.LoginPerNetwork),
		post("/api/clients/auth/login/second/", "Login Second Step", anyone(s.loginSecond)).limit(guard.LoginPerNetwork),
		post("/api/clients/auth/confirm/", "Confirm", caller(s.confirm)),
		get("/api/clients/auth/factors/", "Factors", caller(s.factors)),
		patch("/api/clients/auth/factors/{id}/", "Factor", caller(s.renameFactor)),
		remove("/api/clients/auth/factors/{id}/", "Factor", caller(s.removeFactor)).answers(http.StatusNoContent),
		post("/api/clients/auth/factors/totp/", "Authenticator App", caller(s.enrolTOTP)).answers(http.StatusCreated),
		post("/api/clients/auth/factors/totp/confirm/", "Authenticator App Confirm", caller(s.confirmTOTP)),
		post("/api/clients/auth/factors/recovery/", "Recovery Codes", caller(s.renewRecoveryCodes)),
		post("/api/clients/auth/factors/undo/", "Factor Undo", anyone(s.undoFactor)),
		post("/api/clients/auth/confirm/passkey/options/", "Confirm Passkey Options", caller(s.beginPasskeyConfirm)),
		post("/api/clients/auth/login/passkey/options/", "Login Passkey Options", anyone(s.beginPasskeyLogin)).limit(guard.PasskeyPerNetwork),
		post("/api/clients/auth/login/passkey/", "Login Passkey", anyone(s.loginPasskey)).limit(guard.LoginPerNetwork),
		post("/api/clients/auth/factors/passkeys/options/", "Passkey Options", caller(s.beginPasskey)),
		post("/api/clients/auth/factors/passkeys/", "Passkeys", caller(s.addPasskey)).answers(http.StatusCreated),
		post("/api/clients/auth/code/", "Code", visitor(s.requestCode)).answers(http.StatusAccepted),
		post("/api/clients/auth/code/confirm/", "Code Confirm", visitor(s.useCode)),
		post("/api/clients/auth/token/refresh/", "Token Refresh", anyone(s.refresh)),
		post("/api/clients/auth/token/verify/", "Token Verify", anyone(s.verifyToken)),
		get("/api/clients/auth/token/check/", "Token Check", caller(s.checkToken)).answers(http.StatusNoContent),
		post("/api/clients/auth/token/introspect/", "Token Introspect", service(s.introspect)),
		post("/api/clients/auth/token/revoke/", "Token Revoke", service(s.revokeToken)),
		post("/api/clients/auth/logout/", "Logout", anyone(s.logout)).answers(http.StatusNoContent),
		post("/api/clients/auth/logout/all/", "Logout All", caller(s.logoutAll)).answers(http.StatusNoContent),
		get("/api/clients/auth/sessions/", "Sessions", caller(s.sessions)),
		remove("/api/clients/auth/sessions/{id}/", "Session", caller(s.endSession)).answers(http.StatusNoContent),
		get("/api/clients/auth/devices/", "Devices", caller(s.trustedDevices)),
		remove("/api/clients/auth/devices/{id}/", "Device", caller(s.endTrust)).answers(http.StatusNoContent),
		get("/api/clients/auth/events/", "Events", caller(s.events)),
		post("/api/clients/auth/not-me/", "Not Me", anyone(s.notMe)).answers(http.StatusNoContent),
		get("/api/clients/auth/recovery/", "Recovery", caller(s.recovery)),
		remove("/api/clients/auth/recovery/", "Recovery", caller(s.stopRecovery)).answers(http.StatusNoContent),
		post("/api/clients/auth/recovery/stop/", "Recovery Stop", anyone(s.stopRecoveryByLink)).answers(http.StatusNoContent),
		post("/api/clients/auth/recovery/finish/", "Recovery Finish", anyone(s.finishRecovery)).answers(http.StatusNoContent),
		post("/api/clients/auth/password/change/", "Password Change", caller(s.changePassword)).answers(http.StatusNoContent),
		post("/api/clients/auth/password/reset/", "Password Reset", anyone(s.requestReset)).answers(http.StatusAccepted),
		post("/api/clients/auth/password/reset/confirm/", "Password Reset Confirm", anyone(s.resetPassword)).answers(http.StatusNoContent),
		post("/api/clients/auth/email/verify/", "Email Verify", anyone(s.verifyEmail)).answers(http.StatusNoContent),
		post("/api/clients/auth/email/verify/resend/", "Email Verify Resend", caller(s.resendVerification)).answers(http.StatusAccepted),
		post("/api/clients/auth/email/disown/", "Email Disown", anyone(s.disownEmail)).answers(http.StatusNoContent),
		post("/api/clients/auth/email/change/", "Email Change", caller(s.changeEmail)).answers(http.StatusAccepted),
		post("/api/clients/auth/email/change/confirm/", "Email Change Confirm", anyone(s.confirmEmail)).answers(http.StatusNoContent),
		post("/api/clients/auth/email/change/undo/", "Email Change Undo", anyone(s.undoEmail)).answers(http.StatusNoContent),
		get("/api/clients/clients/me/", "Me", caller(s.me)),
		patch("/api/clients/clients/me/", "Me", caller(s.updateMe)),
		remove("/api/clients/clients/me/", "Me", caller(s.closeMe)).answers(http.StatusNoContent),
		post("/api/clients/clients/me/close/", "Me Close", caller(s.closeMe)).answers(http.StatusNoContent), // for clients and proxies that send no body with DELETE
		get("/api/clients/clients/me/security/", "Security", caller(s.security)),
		get("/api/clients/clients/me/export/", "Export", caller(s.export).writes(exportDocument{})),

		get(usersPath, "Clients", agent(account.SeeUsers, s.listUsers)),
		post(usersPath, "Clients", agent(account.CreateUsers, s.inviteUser)).answers(http.StatusCreated),
		get(userPath, "Client", agent(account.SeeUsers, s.seeUser)),
		patch(userPath, "Client", agent(account.EditUsers, s.editUser)),
		post(userPath+"disable/", "Client Disable", agent(account.DisableUsers, s.disableUser)).answers(http.StatusNoContent),
		post(userPath+"enable/", "Client Enable", agent(account.DisableUsers, s.enableUser)).answers(http.StatusNoContent),
		post(userPath+"close/", "Client Close", agent(account.CloseUsers, s.closeUser)).answers(http.StatusNoContent),
		post(userPath+"restore/", "Client Restore", agent(account.CloseUsers, s.restoreUser)).answers(http.StatusNoContent),
		post(userPath+"erase/", "Client Erase", agent(account.EraseUsers, s.eraseUser).writes(erasedBody{}).waits()),
		post(userPath+"sessions/end/", "Client Sessions End", agent(account.EndSessions, s.endUserSessions)),
		get(userPath+"sessions/", "Client Sessions", agent(account.SeeUsers, s.userSessions)),
		remove(userPath+"sessions/{sid}/", "Client Session", agent(account.EndSessions, s.endUserSession)).answers(http.StatusNoContent),
		post(userPath+"reset/", "Client Reset", agent(account.StartResets, s.resetUser)).answers(http.StatusAccepted),
		post(userPath+"resend/", "Client Resend", agent(account.ResendMails, s.resendToUser)).answers(http.StatusAccepted),
		post(userPath+"unlock/", "Client Unlock", agent(account.UnlockLogins, s.unlockUser)).answers(http.StatusNoContent),
		post(userPath+"recover/", "Client Recover", agent(account.StartRecoveries, s.recoverUser)),
		remove(userPath+"recover/", "Client Recover", agent(account.StartRecoveries, s.stopUserRecovery)).answers(http.StatusNoContent),
		get(userPath+"events/", "Client Events", agent(account.SeeEvents, s.userEvents)),
		get(userPath+"mails/", "Client Mails", agent(account.SeeMails, s.userMails)),
		get(userPath+"factors/", "Client Factors", agent(account.SeeUsers, s.userFactors)),
		get(userPath+"notes/", "Client Notes", agent(account.SeeUsers, s.userNotes)),
		post(userPath+"notes/", "Client Notes", agent(account.WriteNotes, s.addUserNote)).answers(http.StatusCreated),
		post(usersPath+"export/", "Clients Export", agent(account.ExportUsers, s.exportUsers).writes(struct{}{}).asFile().waits()),
		post(usersPath+"bulk/disable/", "Clients Disable", agent(account.DisableUsers, s.bulk(staff.BulkDisable))),
		post(usersPath+"bulk/enable/", "Clients Enable", agent(account.DisableUsers, s.bulk(staff.BulkEnable))),
		post(usersPath+"bulk/close/", "Clients Close", agent(account.CloseUsers, s.bulk(staff.BulkClose))),
		post(usersPath+"bulk/sign_out/", "Clients Sign Out", agent(account.EndSessions, s.bulk(staff.BulkSignOut))),
		post(usersPath+"bulk/resend/", "Clients Resend", agent(account.ResendMails, s.bulk(staff.BulkResend))),

		get(staffPath+"members/", "Staff", agent(account.ManageStaff, s.members)),
		post(staffPath+"members/", "Staff", agent(account.ManageStaff, s.inviteMember)).answers(http.StatusCreated),
		get(staffPath+"members/{id}/", "Staff Member", agent(account.ManageStaff, s.member)),
		patch(staffPath+"members/{id}/", "Staff Member", agent(account.ManageStaff, s.changeMember)),
		remove(staffPath+"members/{id}/", "Staff Member", agent(account.ManageStaff, s.takeRole)).answers(http.StatusNoContent),
		post(staffPath+"members/{id}/renew/", "Staff Member Renew", agent(account.ManageStaff, s.renewMember)),
		post(staffPath+"password/", "Staff Password", anyone(s.chooseStaffPassword)).answers(http.StatusNoContent),
		post(staffPath+"accept/", "Staff Accept", caller(s.acceptRole)).answers(http.StatusNoContent),
		get(staffPath+"events/", "Staff Events", agent(account.SeeEvents, s.staffEvents)),
		get(staffPath+"mails/", "Staff Mails", agent(account.SeeMails, s.staffMails)),
		post(staffPath+"mails/{id}/retry/", "Staff Mail Retry", agent(account.ResendMails, s.retryMail)).answers(http.StatusNoContent),
		get(staffPath+"approvals/", "Approvals", agent(account.DecideApprovals, s.approvals)),
		post(staffPath+"approvals/{id}/", "Approval", agent(account.DecideApprovals, s.decideApproval)),
		post(staffPath+"approvals/{id}/use/", "Approval Use", agent(account.EraseUsers, s.useApproval).writes(erasedBody{}).asFile()),
	}
}

// OfStaff reports whether a route is of the staff's part.
func (rt Route) OfStaff() bool { return rt.Requires == Staff || strings.HasPrefix(rt.Path, staffPath) }

func get(path, name string, e Endpoint) Route    { return newRoute(http.MethodGet, path, name, e) }
func post(path, name string, e Endpoint) Route   { return newRoute(http.MethodPost, path, name, e) }
func patch(path, name string, e Endpoint) Route  { return newRoute(http.MethodPatch, path, name, e) }
func remove(path, name string, e Endpoint) Route { return newRoute(http.MethodDelete, path, name, e) }

func newRoute(method, path, name string, e Endpoint) Route {
	return Route{Method: method, Path: path, Name: name, Status: http.StatusOK, Endpoint: e, OptionalAuth: e.optional}
}

// answers is for an endpoint whose success is not 200.
func (rt Route) answers(status int) Route {
	rt.Status = status
	return rt
}

func (rt Route) limit(q guard.Quota) Route {
	rt.Limit = q
	return rt
}

func (rt Route) optionalAuth() Route {
	rt.OptionalAuth = true
	return rt
}
