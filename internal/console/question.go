package console

import (
	"net/http"
	"net/url"
)

// question is a page that asks before an act on what is no client.
type question struct {
	Back, BackText string
	Facts          []fact
	Follows        []string
	Form           *form
}

// question shows what follows and asks; ok is true where the answer has come.
func (p *page) question(q *question) (sent url.Values, ok bool) {
	q.Form.page, q.Form.data = "question", q
	q.Form.Cancel = q.Back
	p.ask(q.Form)
	return p.submitted()
}

// shownOnce is a page with a secret, which is shown to nobody again.
type shownOnce struct {
	Intro, Warning string
	Facts          []fact
	Secret         string
	Next, NextText string
}

func (*shownOnce) secret() {}

func (p *page) showOnce(title string, s *shownOnce) {
	s.Intro = p.view.Say("console.secret.once")
	p.title(title)
	p.show(http.StatusOK, "secret", s)
}

// words are facts whose values are plain texts: name, value pairs. What is empty
// is left out.
func words(pairs ...string) (facts []fact) {
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			facts = append(facts, fact{pairs[i], text(pairs[i+1])})
		}
	}
	return facts
}
