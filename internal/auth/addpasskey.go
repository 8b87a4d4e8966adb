package auth

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/guard"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/token"
)

// maxPasskeys is how many a user can have.
const maxPasskeys = 10

// userHandleBytes is the most that the standard allows (section 5.4.3).
const userHandleBytes = 64

// BeginPasskeyFields are those of [Service.BeginPasskey].
var BeginPasskeyFields = []Field{passwordField.optional()}

// PasskeyCreation is what a browser has an authenticator make (Web
// Authentication Level 3, section 5.4).
type PasskeyCreation struct {
	Ceremony    string // goes back with the answer
	Challenge   []byte
	RPID        string
	RPName      string
	UserHandle  []byte
	Username    string
	DisplayName string
	Algorithms  []int // of COSE, the best first
	Exclude     []account.Credential
}

// BeginPasskey asks for a new passkey of the caller, who shows again that it is
// them: by all that is asked of them, or by their password in the request where
// that is all. It returns [account.ErrConfirmRequired], or
// [account.ErrNoPasskeys].
func (s *Service) BeginPasskey(ctx context.Context, caller *Caller, password account.Input) (PasskeyCreation, error) {
	if s.rp == nil {
		return PasskeyCreation{}, account.ErrNoPasskeys
	}
	if err := s.guard.AllowWrite(ctx, caller.User.ID); err != nil {
		return PasskeyCreation{}, err
	}
	proof, err := s.requireProof(ctx, caller, passwordField, password)
	if err != nil {
		return PasskeyCreation{}, err
	}
	u, now := proof.User, s.now()
	out := PasskeyCreation{
		RPID: s.o.Passkeys.RPID, RPName: s.o.Passkeys.Name, Username: u.Username,
		DisplayName: strings.TrimSpace(u.FirstName + " " + u.LastName), Algorithms: passkeyAlgorithms,
	}
	if out.DisplayName == "" {
		out.DisplayName = u.Username
	}
	err = s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		if err := s.keepProof(ctx, tx, proof, now); err != nil {
			return err
		}
		var err error
		if out.Exclude, err = s.roomForPasskey(ctx, tx, u.ID); err != nil {
			return err
		}
		out.UserHandle, err = tx.UserHandle(ctx, u.ID, randomBytes(userHandleBytes))
		return err
	})
	if err != nil {
		return PasskeyCreation{}, err
	}
	c := account.Ceremony{Kind: account.RegisterPasskey, UserID: u.ID, SessionID: caller.SessionID}
	for _, algorithm := range passkeyAlgorithms {
		c.Offered = append(c.Offered, strconv.Itoa(algorithm))
	}
	out.Ceremony, out.Challenge, err = s.beginCeremony(ctx, c)
	return out, err
}

// roomForPasskey returns a user's passkeys, if they can have another.
func (s *Service) roomForPasskey(ctx context.Context, st *store.Store, userID int64) ([]account.Credential, error) {
	all, err := st.Credentials(ctx, userID)
	if err == nil && len(all) >= maxPasskeys {
		return nil, account.NonFieldError("passkey_limit", account.Args{"max": maxPasskeys})
	}
	return all, err
}

var credentialField = Field{Name: "credential", Required: true, Format: "object"}

// AddPasskeyFields are those of [NewPasskey].
var AddPasskeyFields = []Field{ceremonyField, credentialField, factorName}

// NewPasskey is what an authenticator made.
type NewPasskey struct {
	Ceremony   account.Input
	Credential account.Input // the standard's RegistrationResponseJSON
	Name       account.Input // that its owner gives it
}

// AddedPasskey is a passkey that is a factor now.
type AddedPasskey struct {
	Factor        account.Factor
	Credential    account.Credential
	RecoveryCodes []string // with the first factor of an account; they are shown once
	OtherSessions int      // that are open, and that the caller may want to end (ASVS 7.4.3)
}

// AddPasskey makes a factor of what an authenticator answered. Other sessions
// of the user have to show again that it is them before they change anything
// about factors.
func (s *Service) AddPasskey(ctx context.Context, caller *Caller, in NewPasskey) (AddedPasskey, error) {
	if s.rp == nil {
		return AddedPasskey{}, account.ErrNoPasskeys
	}
	if err := s.guard.AllowWrite(ctx, caller.User.ID); err != nil {
		return AddedPasskey{}, err
	}
	errs := account.Fields{}
	id := ceremonyField.read(errs, in.Ceremony)
	answer := credentialField.object(errs, in.Credential)
	name := factorName.read(errs, in.Name)
	if err := errs.Err(); err != nil {
		return AddedPasskey{}, err
	}
	u, err := s.currentUser(ctx, caller)
	if err != nil {
		return AddedPasskey{}, err
	}
	c, err := s.takeCeremony(ctx, id, account.Ceremony{Kind: account.RegisterPasskey, UserID: u.ID, SessionID: caller.SessionID})
	if err != nil {
		return AddedPasskey{}, err
	}
	handle, err := s.store.HandleOf(ctx, u.ID)
	if err != nil {
		return AddedPasskey{}, err
	}
	made, err := s.verifyCreation(ctx, c, handle, answer)
	if errors.Is(err, errPasskeyRefused) {
		return AddedPasskey{}, account.FieldError(credentialField.Name, "passkey_refused", nil)
	}
	if err != nil {
		return AddedPasskey{}, err
	}
	if err := s.guard.AllowUser(ctx, guard.FactorsPerUser, u.ID); err != nil {
		return AddedPasskey{}, err
	}
	out := AddedPasskey{Credential: made}
	out.Credential.FactorID = token.NewID()
	now := s.now()
	out.Factor = account.Factor{
		ID: out.Credential.FactorID, UserID: u.ID, Kind: account.Passkey, Name: name, SessionID: caller.SessionID, CreatedAt: now, ConfirmedAt: now,
	}
	if out.OtherSessions, err = s.otherSessions(ctx, caller); err != nil { // before: what comes after must not lose the codes
		return AddedPasskey{}, err
	}
	err = s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error { return s.keepPasskey(ctx, tx, caller, &out, now) })
	switch {
	case errors.Is(err, store.ErrTaken): // by whoever has it
		_ = s.refusedPasskey(ctx, c, "a credential that is registered")
		return AddedPasskey{}, account.FieldError(credentialField.Name, "passkey_refused", nil)
	case err != nil:
		return AddedPasskey{}, err
	}
	s.outbox.Wake()
	return out, nil
}

// keepPasskey stores a passkey, if the proof by which it was begun stands.
func (s *Service) keepPasskey(ctx context.Context, tx *store.Store, caller *Caller, p *AddedPasskey, now time.Time) error {
	if err := tx.HoldUser(ctx, p.Factor.UserID); err != nil {
		return asTokenError(err)
	}
	u, err := tx.UserByID(ctx, p.Factor.UserID)
	if err != nil {
		return err
	}
	if err := s.proofStands(ctx, tx, caller, u, now.Add(-proofLifetime-CeremonyLifetime)); err != nil {
		return err
	}
	if _, err := s.roomForPasskey(ctx, tx, u.ID); err != nil {
		return err
	}
	if p.Factor.PasswordBefore, err = s.passwordBefore(ctx, tx, u, now); err != nil {
		return err
	}
	has, err := s.hasFactor(ctx, tx, u.ID)
	if err != nil {
		return err
	}
	if err := tx.CreateFactor(ctx, p.Factor); err != nil {
		return err
	}
	if err := tx.CreateCredential(ctx, p.Credential); err != nil {
		return err
	}
	p.RecoveryCodes, err = s.factorAdded(ctx, tx, caller, p.Factor, account.AMRKey, !has, now)
	return err
}

// UnusablePasskeys counts the passkeys that were made for another relying
// party, by that one. They are kept: they work again where the setting does.
func (s *Service) UnusablePasskeys(ctx context.Context) (map[string]int, error) {
	return s.store.CredentialsElsewhere(ctx, s.o.Passkeys.RPID)
}
