package manual

// groups are the navigation. A document that is in none of them is read by a
// link, and not searched.
var groups = []group{
	{title{"Guides", "Guides"}, []entry{
		{"start", title{"Commencer en dix minutes", "Start in ten minutes"}},
		{"tokens", title{"Tokens et onglets", "Tokens and tabs"}},
		{"factors", title{"Seconds facteurs", "Second factors"}},
		{"ssr", title{"Pages faites sur un serveur", "Pages made on a server"}},
		{"phones", title{"Client en Dart ou Kotlin", "Client in Dart or Kotlin"}},
		{"accounts", title{"La vie d'un compte", "The life of an account"}},
		{"errors", title{"Erreurs", "Errors"}},
		{"limits", title{"Limites", "Limits"}},
		{"webhooks", title{"Webhooks", "Webhooks"}},
		{"services", title{"Vérifier un token ailleurs", "Verify tokens elsewhere"}},
	}},
	{title{"Référence", "Reference"}, []entry{
		{referenceName, title{"Essayer l'API", "Try the API"}},
		{staffReferenceName, title{"Essayer l'API de l'équipe", "Try the API for staff"}},
		{"api", title{"Tous les appels", "All calls"}},
		{"events", title{"Événements", "Events"}},
	}},
	{title{"Exploitation", "Operation"}, []entry{
		{"configuration", title{"Réglages", "Settings"}},
		{"operations", title{"En production", "In production"}},
		{"pages", title{"Pages et e-mails", "Pages and mails"}},
		{"console", title{"La console de l'équipe", "The console for staff"}},
		{"keys", title{"Clés", "Keys"}},
		{"access", title{"Qui peut quoi", "Who may do what"}},
		{"backup", title{"Sauvegarde", "Backup"}},
		{"scale", title{"Grandir", "Scale"}},
		{"performance", title{"Performances", "Performance"}},
		{"migration", title{"Quitter Django", "Move from Django"}},
		{"django", title{"À côté de Django", "Beside Django"}},
	}},
}

type group struct {
	title   title
	entries []entry
}

type entry struct {
	name  string
	title title
}

// title is a text in each language.
type title struct{ french, english string }

func (t title) in(lang string) string {
	if lang == french {
		return t.french
	}
	return t.english
}

// entries are all of the navigation, behind the index.
func entries() []entry {
	all := []entry{{"", title{"Documentation", "Documentation"}}}
	for _, g := range groups {
		all = append(all, g.entries...)
	}
	return all
}

func titleOf(name, lang string) string {
	for _, e := range entries() {
		if e.name == name {
			return e.title.in(lang)
		}
	}
	return name
}

// wording is what the manual itself says, in one language.
type wording struct {
	Language, Documentation, Menu, Skip, OnThisPage, Search, Find, Nothing, First, One, Few, InEnglish string
	NotFound, NotFoundWhy, NotAllowed, TooMany, Home, Copy, Copied, NeedsScript, Picture               string
}

var words = map[string]wording{
	french: {
		Language: "Français", Documentation: "Documentation", Menu: "Sommaire", Skip: "Aller au texte", OnThisPage: "Sur cette page",
		Search: "Recherche", Find: "Chercher", Nothing: "Rien de trouvé. Essayez un mot plus court, ou en anglais.",
		First: "Les %d premiers résultats sur %d. Ajoutez un mot pour préciser la recherche.",
		One:   "1\u00a0résultat", Few: "%d\u00a0résultats", InEnglish: "en anglais",
		NotFound: "Cette page n'existe pas", NotFoundWhy: "Elle a peut-être changé de nom.", NotAllowed: "Cette page ne prend que GET",
		TooMany: "Trop de demandes. Réessayez dans quelques secondes.",
		Home:    "Vers le début de la documentation", Copy: "Copier", Copied: "Copié", Picture: "image",
		NeedsScript: "Cette page a besoin de JavaScript. Sans lui, tous les appels sont dans",
	},
	english: {
		Language: "English", Documentation: "Documentation", Menu: "Contents", Skip: "Skip to the text", OnThisPage: "On this page",
		Search: "Search", Find: "Search", Nothing: "Nothing found. Try a shorter word.",
		First: "Showing the first %d of %d results. Add a word to narrow the search.",
		One:   "1\u00a0result", Few: "%d\u00a0results", InEnglish: "in English",
		NotFound: "There is no such page", NotFoundWhy: "It may have another name now.", NotAllowed: "This page takes only GET",
		TooMany: "Too many requests. Try again in a few seconds.",
		Home:    "To the beginning of the documentation", Copy: "Copy", Copied: "Copied", Picture: "picture",
		NeedsScript: "This page needs JavaScript. Without it, all calls are in",
	},
}
