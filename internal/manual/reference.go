package manual

// The pages of the API's reference: of what the shop's programs call, and of what
// its staff's do.
const (
	referenceName      = "reference"
	staffReferenceName = "reference-staff"
)

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

// Where the API's documents are, from a page of the manual.
const (
	openAPI      = "../../api/openapi.json?lang="
	staffOpenAPI = "../../api/openapi.staff.json?lang="
)

// references are the documents of the pages.
var references = map[string]string{referenceName: openAPI, staffReferenceName: staffOpenAPI}

// openAPIs are the files of them in the repository, and where they are served.
var openAPIs = map[string]string{
	"openapi.json": openAPI + french, "openapi.en.json": openAPI + english,
	"openapi.staff.json": staffOpenAPI + french, "openapi.staff.en.json": staffOpenAPI + english,
}

func (m *Manual) reference(lang, name string) *page {
	v := m.newView(lang, name)
	v.Title = titleOf(name, lang)
	v.Reference = &reference{Scalar: m.link(scalarName), Start: m.link(startName), Licence: m.link(scalarLicence), Document: references[name] + lang}
	return &page{policy: referencePolicy, body: newBody(layoutPage(v), nil)}
}
