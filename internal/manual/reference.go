package manual

// referenceName is the page of the API's reference.
const referenceName = "reference"

// reference is what its page loads.
type reference struct {
	Scalar, Start, Licence string // below Root
	Document               string // of the API, from this page
}

// referencePolicy is that of the reference alone. Scalar, which draws it,
// writes style attributes and elements of its own, whose hashes change with
// what is shown. Scripts come from our own file only, and nothing goes
// anywhere else: a style that somebody smuggled in could change how the page
// looks, and tell nobody.
const referencePolicy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// openAPI is where the API's document is, from a page of the manual.
const openAPI = "../../api/openapi.json?lang="

// openAPIs are the files of it in the repository, and where they are served.
var openAPIs = map[string]string{"openapi.json": openAPI + french, "openapi.en.json": openAPI + english}

func (m *Manual) reference(lang string) *page {
	v := m.newView(lang, referenceName)
	v.Title = titleOf(referenceName, lang)
	v.Reference = &reference{Scalar: m.link(scalarName), Start: m.link(startName), Licence: m.link(scalarLicence), Document: openAPI + lang}
	return &page{policy: referencePolicy, body: newBody(layoutPage(v), nil)}
}
