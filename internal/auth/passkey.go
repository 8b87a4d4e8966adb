package auth

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/store"
)

// This file alone speaks to the library of WebAuthn: it makes ceremonies and
// verifies what authenticators answer (Web Authentication Level 3, sections 7.1
// and 7.2). The flows are in addpasskey.go and usepasskey.go.

// PasskeyOptions say for whom passkeys are.
type PasskeyOptions struct {
	RPID    string   // the domain; empty: there are no passkeys
	Name    string   // what authenticators call the shop; empty: the domain
	Origins []string // from where answers come, to the byte: https://shop.example, android:apk-key-hash:…
}

// CeremonyLifetime is how long an authenticator has for its answer.
const CeremonyLifetime = 5 * time.Minute

// The algorithms that are offered, of COSE. Nothing else is taken.
const (
	algorithmES256 = -7
	algorithmEdDSA = -8
	algorithmRS256 = -257
)

var passkeyAlgorithms = []int{algorithmES256, algorithmEdDSA, algorithmRS256}

// relyingParty is us, to authenticators.
type relyingParty struct {
	lib     *webauthn.WebAuthn
	origins []string
	nobody  account.Credential // is verified against where there is none, so that this takes as long
}

// newRelyingParty returns nil where there are no passkeys.
func newRelyingParty(o PasskeyOptions) *relyingParty {
	if o.RPID == "" {
		return nil
	}
	lib, err := webauthn.New(&webauthn.Config{
		RPID: o.RPID, RPDisplayName: o.Name, RPOrigins: o.Origins,
		// What an extension says that nobody asked for changes nothing here, and
		// some password managers say it.
		ExtensionsUnsolicitedOutputPolicy: protocol.UnsolicitedOutputPolicyIgnore,
	})
	if err != nil {
		panic("auth: passkeys: " + err.Error()) // package config lets through what the library takes
	}
	return &relyingParty{lib: lib, origins: o.Origins, nobody: account.Credential{PublicKey: anyKey(), RPID: o.RPID}}
}

// anyKey is a public key of ES256 whose private key nobody has.
func anyKey() []byte {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic("auth: " + err.Error()) // crypto/rand never fails
	}
	point, err := private.PublicKey.Bytes()
	if err != nil {
		panic("auth: " + err.Error()) // it is on the curve
	}
	// A COSE_Key: {1: 2, 3: -7, -1: 1, -2: x, -3: y}.
	return slices.Concat([]byte{0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32}, point[1:33], []byte{0x22, 0x58, 32}, point[33:])
}

// credentialID is how the id of a credential is written in JSON.
func credentialID(id []byte) string { return base64.RawURLEncoding.EncodeToString(id) }

var ceremonyField = Field{Name: "ceremony", Required: true, Max: 64}

// badCeremony says that the question of an answer cannot be found: it was
// answered before, its time is over, or it was for something else.
func badCeremony() error {
	return account.FieldError(ceremonyField.Name, "ceremony_invalid", nil)
}

// beginCeremony stores what an authenticator is asked, and returns the id with
// which the answer comes back, and what is to be signed.
func (s *Service) beginCeremony(ctx context.Context, c account.Ceremony) (id string, challenge []byte, err error) {
	id = RandomToken()
	c.Hash, c.Challenge, c.RPID, c.ExpiresAt = challengeHash(id), randomBytes(32), s.o.Passkeys.RPID, s.now().Add(CeremonyLifetime)
	err = s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error { return tx.CreateCeremony(ctx, c) })
	return id, c.Challenge, err
}

// takeCeremony returns the ceremony with an id, if it is as wanted: of this
// kind, about this user, asked for in this session or for this login. It is
// gone then, whatever comes of it, also of the answer: nothing is signed twice.
func (s *Service) takeCeremony(ctx context.Context, id string, want account.Ceremony) (c account.Ceremony, err error) {
	err = s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		c, err = tx.TakeCeremony(ctx, challengeHash(id))
		return err
	})
	switch {
	case errors.Is(err, store.ErrNotFound):
		return c, badCeremony()
	case err != nil:
		return c, err
	case c.Kind != want.Kind, c.UserID != want.UserID, c.SessionID != want.SessionID, c.ChallengeHash != want.ChallengeHash,
		c.RPID != s.o.Passkeys.RPID, !s.now().Before(c.ExpiresAt):
		return c, badCeremony()
	}
	return c, nil
}

// errPasskeyRefused says that what an authenticator answered is not good. Why
// is for the log: whoever is told can try until nothing is wrong.
var errPasskeyRefused = errors.New("passkey refused")

// ErrPasskeyUnknown is beside [account.ErrPasskeyRefused] where there is no
// credential with the id that was shown: it was removed, or its owner erased, and
// a browser may be told to offer it no more. Ids are random; nobody learns of one
// that they do not have.
var ErrPasskeyUnknown = errors.New("no such passkey")

// refusedPasskey logs why, and returns [errPasskeyRefused].
func (s *Service) refusedPasskey(ctx context.Context, c account.Ceremony, reason string, more ...any) error {
	s.o.Log.InfoContext(ctx, "a passkey was refused", append([]any{"ceremony", string(c.Kind), "user_id", c.UserID, "reason", shorten(reason)}, more...)...)
	return errPasskeyRefused
}

// shorten bounds what comes from outside before it is logged.
func shorten(text string) string {
	const most = 200
	if len(text) > most {
		text = text[:most]
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}

// reasonOf is what the library says of an answer.
func reasonOf(err error) string {
	var e *protocol.Error
	if errors.As(err, &e) && e.DevInfo != "" && !strings.Contains(e.Details, "challenge") {
		return e.Details + ": " + e.DevInfo
	}
	return err.Error()
}

// checkOrigin refuses an answer that was not made for us: the origin must be
// one of ours to the byte. That it was in a frame of another's, the library
// refuses.
func (s *Service) checkOrigin(ctx context.Context, c account.Ceremony, d protocol.CollectedClientData) error {
	if !slices.Contains(s.rp.origins, d.Origin) {
		return s.refusedPasskey(ctx, c, "origin", "expected", strings.Join(s.rp.origins, " "), "got", shorten(d.Origin))
	}
	return nil
}

// owner is a user as the library asks for one.
type owner struct {
	handle      []byte
	credentials []webauthn.Credential
}

// WebAuthnID is the library's.
func (o owner) WebAuthnID() []byte { return o.handle }

// WebAuthnName is the library's; it is not asked for it.
func (o owner) WebAuthnName() string { return "" }

// WebAuthnDisplayName is the library's; it is not asked for it.
func (o owner) WebAuthnDisplayName() string { return "" }

// WebAuthnCredentials is the library's.
func (o owner) WebAuthnCredentials() []webauthn.Credential { return o.credentials }

// verifyCreation verifies the answer to a registration, in the standard's JSON.
// No attestation was asked for, and none is looked at.
func (s *Service) verifyCreation(ctx context.Context, c account.Ceremony, handle []byte, answer string) (account.Credential, error) {
	parsed, err := protocol.ParseCredentialCreationResponseBytes([]byte(answer))
	if err != nil {
		return account.Credential{}, s.refusedPasskey(ctx, c, reasonOf(err))
	}
	if err := s.checkOrigin(ctx, c, parsed.Response.CollectedClientData); err != nil {
		return account.Credential{}, err
	}
	attestation := &parsed.Response.AttestationObject
	attestation.Format, attestation.AttStatement, attestation.SubStatements = string(protocol.AttestationFormatNone), nil, nil
	session := webauthn.SessionData{Challenge: credentialID(c.Challenge), RelyingPartyID: c.RPID, UserID: handle}
	for _, text := range c.Offered {
		algorithm, err := strconv.Atoi(text)
		if err != nil {
			return account.Credential{}, fmt.Errorf("the algorithm %q of a ceremony: %w", text, err)
		}
		session.CredParams = append(session.CredParams, protocol.CredentialParameter{
			Type: protocol.PublicKeyCredentialType, Algorithm: webauthncose.COSEAlgorithmIdentifier(algorithm),
		})
	}
	made, err := s.rp.lib.CreateCredential(owner{handle: handle}, session, parsed)
	if err != nil {
		return account.Credential{}, s.refusedPasskey(ctx, c, reasonOf(err))
	}
	algorithm, err := checkKey(made.PublicKey)
	if err != nil {
		return account.Credential{}, s.refusedPasskey(ctx, c, reasonOf(err))
	}
	if len(made.ID) < minCredentialID {
		return account.Credential{}, s.refusedPasskey(ctx, c, "the id of the credential is too short")
	}
	return account.Credential{
		UserID: c.UserID, ID: made.ID, PublicKey: made.PublicKey, Algorithm: algorithm, SignCount: made.Authenticator.SignCount,
		AAGUID: uuidText(made.Authenticator.AAGUID), Transports: transportsOf(made.Transport),
		BackupEligible: made.Flags.BackupEligible, BackedUp: made.Flags.BackupState, RPID: c.RPID,
	}, nil
}

// minCredentialID is the standard's, in bytes (section 4, "credential id").
const minCredentialID = 16

// The sizes of an RSA modulus, in bytes: less is weak, and more costs time.
const (
	minRSA = 2048 / 8
	maxRSA = 8192 / 8
)

// smallOrder are the first 31 bytes of the points of Ed25519 for which
// signatures can be made that fit many messages, and those of their forms that
// are not canonical (RFC 8032, section 5.1).
var smallOrder = []string{
	"0000000000000000000000000000000000000000000000000000000000000000"[:62],
	"0100000000000000000000000000000000000000000000000000000000000000"[:62],
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"[:62],
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"[:62],
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"[:62],
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"[:62],
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"[:62],
}

// checkKey refuses a public key that is none of its algorithm, or weak, and
// returns the algorithm.
func checkKey(cose []byte) (algorithm int, err error) {
	key, err := webauthncose.ParsePublicKey(cose)
	if err != nil {
		return 0, err
	}
	switch key := key.(type) {
	case webauthncose.EC2PublicKeyData:
		algorithm, err = algorithmES256, only(key.Algorithm, algorithmES256)
	case webauthncose.OKPPublicKeyData:
		algorithm, err = algorithmEdDSA, only(key.Algorithm, algorithmEdDSA)
		if slices.Contains(smallOrder, hex.EncodeToString(key.XCoord[:31])) {
			err = errors.New("a key of small order")
		}
	case webauthncose.RSAPublicKeyData:
		algorithm, err = algorithmRS256, only(key.Algorithm, algorithmRS256)
		if n := bytes.TrimLeft(key.Modulus, "\x00"); len(n) < minRSA || len(n) > maxRSA {
			err = fmt.Errorf("an RSA key of %d bytes", len(n))
		}
		if e := bytes.TrimLeft(key.Exponent, "\x00"); len(e) > 4 || bytes.Equal(e, []byte{1}) || len(e) > 0 && e[len(e)-1]%2 == 0 {
			err = errors.New("a weak exponent of RSA")
		}
	default:
		err = errors.New("a key of another kind")
	}
	return algorithm, err
}

// only refuses an algorithm that is another than the key's kind has here.
func only(got int64, want int) error {
	if got != int64(want) {
		return fmt.Errorf("algorithm %d for a key of %d", got, want)
	}
	return nil
}

// uuidText writes the 16 bytes of an AAGUID.
func uuidText(b []byte) string {
	if len(b) != 16 {
		return ""
	}
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// transportsOf are those of the standard's list (section 5.8.4) among what a
// client says.
func transportsOf(all []protocol.AuthenticatorTransport) []string {
	var known []string
	for _, t := range all {
		switch t {
		case protocol.USB, protocol.NFC, protocol.BLE, protocol.SmartCard, protocol.Hybrid, protocol.Internal:
			if !slices.Contains(known, string(t)) {
				known = append(known, string(t))
			}
		}
	}
	return known
}

// signed is an assertion whose signature is right.
type signed struct {
	credential account.Credential
	count      uint32
	backedUp   bool
	changed    bool // it is of another kind than it was, as to backups: see [Service.passkeyChanged]
}

// verifyAssertion verifies the answer to a login or a confirmation, in the
// standard's JSON. It takes as long whether or not the credential, or its
// owner, is known.
func (s *Service) verifyAssertion(ctx context.Context, c account.Ceremony, answer string) (signed, error) {
	parsed, err := protocol.ParseCredentialRequestResponseBytes([]byte(answer))
	if err != nil {
		return signed{}, s.refusedPasskey(ctx, c, reasonOf(err))
	}
	if err := s.checkOrigin(ctx, c, parsed.Response.CollectedClientData); err != nil {
		return signed{}, err
	}
	credential, handle, reason, err := s.credentialOf(ctx, c, parsed.RawID)
	if err != nil {
		return signed{}, err
	}
	unknown := reason == reasonUnknown
	shown := parsed.Response.UserHandle
	if reason == "" && (c.Kind == account.LoginPasskey || len(shown) > 0) && subtle.ConstantTimeCompare(shown, handle) != 1 {
		reason = "another user handle"
	}
	parsed.Response.UserHandle = nil // compared
	flags := parsed.Response.AuthenticatorData.Flags
	session := webauthn.SessionData{Challenge: credentialID(c.Challenge), RelyingPartyID: c.RPID, UserID: handle}
	if c.Kind == account.LoginPasskey {
		session.UserVerification = protocol.VerificationRequired
	}
	_, err = s.rp.lib.ValidateLogin(owner{handle, []webauthn.Credential{{
		ID: parsed.RawID, PublicKey: credential.PublicKey,
		Flags: webauthn.CredentialFlags{BackupEligible: flags.HasBackupEligible()}, // what changed is said in words
	}}}, session, parsed)
	if reason == "" && err != nil {
		reason = reasonOf(err)
	}
	if reason != "" {
		err := s.refusedPasskey(ctx, c, reason)
		if unknown && c.Kind == account.LoginPasskey {
			err = errors.Join(err, ErrPasskeyUnknown)
		}
		return signed{}, err
	}
	return signed{
		credential: credential, count: parsed.Response.AuthenticatorData.Counter, backedUp: flags.HasBackupState(),
		changed: credential.BackupEligible != flags.HasBackupEligible(),
	}, nil
}

const reasonUnknown = "an unknown credential" // a reason

// credentialOf returns the credential with an id and the handle of its owner.
// If it is not one that may answer the ceremony, reason says why, and they are
// nobody's.
func (s *Service) credentialOf(ctx context.Context, c account.Ceremony, id []byte) (credential account.Credential, handle []byte, reason string, err error) {
	credential, err = s.store.Credential(ctx, id)
	switch {
	case errors.Is(err, store.ErrNotFound):
		reason = reasonUnknown
	case err != nil:
		return credential, nil, "", err
	case credential.RPID != c.RPID:
		reason = "a credential of another relying party"
	case c.UserID != 0 && credential.UserID != c.UserID:
		reason = "somebody else's credential"
	case len(c.Offered) > 0 && !slices.Contains(c.Offered, credentialID(id)):
		reason = "a credential that was not asked for"
	}
	if reason != "" {
		credential = s.rp.nobody
	}
	handle, err = s.store.HandleOf(ctx, credential.UserID)
	if errors.Is(err, store.ErrNotFound) {
		if reason == "" {
			reason = "an owner without a handle"
		}
		handle, err = randomBytes(userHandleBytes), nil
	}
	return credential, handle, reason, err
}
