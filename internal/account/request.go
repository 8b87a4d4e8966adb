package account

// RequestInfo is what a transport knows of a request before any password or
// token was looked at.
type RequestInfo struct {
	IP        string
	UserAgent string
	Language  string // of the answer: "fr", "en" or "ar"
	RequestID string // of the request, as the answer and the log have it

	DeviceToken string // from an earlier login on this device; empty: none
}

// MaxUserAgent is how many bytes of a User-Agent are kept.
const MaxUserAgent = 512
