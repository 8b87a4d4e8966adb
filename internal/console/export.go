package console

import (
	"net/http"
	"net/url"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/staff"
)

// exporting is the page that asks what the export of many is for.
type exporting struct {
	Said   []string
	Count  string
	Second bool // another person has to approve
	List   string
	Form   *form
}

// export asks why, and answers with the export, or asks a second person.
func (p *page) export() {
	v := p.view
	var sent url.Values
	if p.acts() {
		var ok bool
		if sent, ok = p.readForm(); !ok {
			return
		}
	}
	w, ok := p.whom(sent)
	p.title(v.Say("console.export.title"), v.Say("console.clients"))
	if !ok {
		p.nobody(w, "console.many.unclear")
		return
	}
	d := &exporting{Said: p.said(w), Second: p.staff.NeedsSecond(), List: v.Root + w.list()}
	b := w.bulk()
	count, err := p.staff.Count(p.r.Context(), b.IDs, b.Query)
	if err != nil {
		p.failWhom(w, err)
		return
	}
	d.Count = v.Say("console.clients.count", "n", count.N)
	if !count.Exact {
		d.Count = v.Say("console.clients.about", "n", count.N)
	}
	submit := "console.export.submit"
	if d.Second {
		submit = "console.export.ask"
	}
	reason := v.reasonField(true)
	reason.Focus = true
	d.Form = &form{
		Fields: []field{
			{Name: "format", Type: "select", Label: v.Say("console.export.format"), Options: []option{{staff.CSV, v.Say("console.export.format.csv")}, {staff.NDJSON, v.Say("console.export.format.ndjson")}}},
			reason,
		},
		Hidden: []hidden{{"whom", w.text}}, Submit: v.Say(submit), Cancel: d.List, page: "export", data: d,
	}
	p.ask(d.Form)
	if !p.acts() {
		p.showForm(http.StatusOK)
		return
	}
	p.form.fill(sent)
	if sent.Get("reason") == "" {
		p.fail(account.FieldError("reason", "field.blank", nil))
		return
	}
	e, waits, err := p.staff.Exports(p.r.Context(), b.IDs, b.Query, sent.Get("format"), sent.Get("reason"))
	switch {
	case err != nil:
		p.fail(err)
	case waits != nil:
		p.done("approvals/"+waits.ID, "asked", nil)
	default:
		p.sendExport(e)
	}
}

// sendExport answers with a file, as it is read. One that breaks off is cut
// off, so that nobody takes it for whole.
func (p *page) sendExport(e *staff.Export) {
	p.headers()
	h := p.w.Header()
	h.Del("Content-Language")
	h.Set("Content-Type", map[string]string{staff.CSV: "text/csv; charset=utf-8", staff.NDJSON: "application/x-ndjson"}[e.Format()])
	h.Set("Content-Disposition", `attachment; filename="clients-`+p.view.shopTime(p.view.now).Format(time.DateOnly)+"."+e.Format()+`"`)
	p.w.WriteHeader(http.StatusOK)
	if err := e.Write(p.r.Context(), p.w); err != nil {
		if p.r.Context().Err() == nil {
			p.o.Log.ErrorContext(p.r.Context(), "an export was cut off", "request_id", p.w.RequestID, "error", err.Error())
		}
		panic(http.ErrAbortHandler)
	}
}
