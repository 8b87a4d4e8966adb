package auth

import "github.com/yoozak/clients/internal/account"

// The standard's JSON for what a browser asks an authenticator, as
// PublicKeyCredential.parseCreationOptionsFromJSON and
// parseRequestOptionsFromJSON read it (Web Authentication Level 3, section
// 5.1). It is the same for every transport. Bytes are base64url without padding.
type (
	// CreationOptions are for navigator.credentials.create.
	CreationOptions struct {
		RP          PasskeyRP           `json:"rp"`
		User        PasskeyUser         `json:"user"`
		Challenge   string              `json:"challenge"`
		Algorithms  []PasskeyAlgorithm  `json:"pubKeyCredParams"`
		Timeout     int64               `json:"timeout"` // milliseconds
		Exclude     []PasskeyDescriptor `json:"excludeCredentials"`
		Selection   PasskeySelection    `json:"authenticatorSelection"`
		Attestation string              `json:"attestation"`
	}
	// RequestOptions are for navigator.credentials.get.
	RequestOptions struct {
		Challenge    string              `json:"challenge"`
		Timeout      int64               `json:"timeout"` // milliseconds
		RPID         string              `json:"rpId"`
		Allow        []PasskeyDescriptor `json:"allowCredentials"`
		Verification string              `json:"userVerification"`
	}
	// PasskeyRP is for whom a passkey is.
	PasskeyRP struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	}
	// PasskeyUser is whose it is.
	PasskeyUser struct {
		ID          string `json:"id"`
		Name        string `json:"name"`
		DisplayName string `json:"displayName"`
	}
	// PasskeyAlgorithm is one that is taken.
	PasskeyAlgorithm struct {
		Type      string `json:"type"`
		Algorithm int    `json:"alg"`
	}
	// PasskeyDescriptor names a passkey.
	PasskeyDescriptor struct {
		ID         string   `json:"id"`
		Type       string   `json:"type"`
		Transports []string `json:"transports"`
	}
	// PasskeySelection says which authenticators will do.
	PasskeySelection struct {
		ResidentKey        string `json:"residentKey"`
		RequireResidentKey bool   `json:"requireResidentKey"`
		Verification       string `json:"userVerification"`
	}
)

const publicKeyType = "public-key"

// Options is what a browser is given.
func (c PasskeyCreation) Options() CreationOptions {
	o := CreationOptions{
		RP:        PasskeyRP{ID: c.RPID, Name: c.RPName},
		User:      PasskeyUser{ID: credentialID(c.UserHandle), Name: c.Username, DisplayName: c.DisplayName},
		Challenge: credentialID(c.Challenge), Timeout: CeremonyLifetime.Milliseconds(), Exclude: descriptors(c.Exclude),
		Selection:   PasskeySelection{ResidentKey: "preferred", Verification: "preferred"},
		Attestation: "none",
	}
	for _, algorithm := range c.Algorithms {
		o.Algorithms = append(o.Algorithms, PasskeyAlgorithm{Type: publicKeyType, Algorithm: algorithm})
	}
	return o
}

// Options is what a browser is given.
func (r PasskeyRequest) Options() RequestOptions {
	return RequestOptions{
		Challenge: credentialID(r.Challenge), Timeout: CeremonyLifetime.Milliseconds(), RPID: r.RPID, Allow: descriptors(r.Allow),
		Verification: r.Verification,
	}
}

func descriptors(all []account.Credential) []PasskeyDescriptor {
	list := []PasskeyDescriptor{}
	for _, c := range all {
		list = append(list, PasskeyDescriptor{ID: credentialID(c.ID), Type: publicKeyType, Transports: append([]string{}, c.Transports...)})
	}
	return list
}
