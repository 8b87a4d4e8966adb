// Package docs has the documents of this folder, for the server that shows
// them below /docs/. A page NAME.md may have a French twin, NAME.fr.md.
package docs

import "embed"

// Pages are the documents, each as it stands here.
//
//go:embed *.md
var Pages embed.FS
