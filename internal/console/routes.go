package console

import "github.com/yoozak/clients/internal/account"

// Routes are the pages and acts. A test holds each against each role: a new
// one fails it until it says what it needs.
func Routes() []Route {
	routes := []Route{
		{Path: "", See: account.SeeUsers, show: (*page).overview},
		{Path: "clients", See: account.SeeUsers, show: (*page).clients},
		{Path: "clients/{id}", See: account.SeeUsers, show: (*page).profile},
		{Path: "clients/{id}/factors", See: account.SeeUsers, show: (*page).clientFactors},
		{Path: "clients/{id}/sessions", See: account.SeeUsers, Do: account.EndSessions, Acts: true, show: (*page).clientSessions},
		{Path: "clients/{id}/events", See: account.SeeEvents, show: (*page).clientEvents},
		{Path: "clients/{id}/mails", See: account.SeeMails, show: (*page).clientMails},
		{Path: "clients/{id}/notes", See: account.SeeUsers, Do: account.WriteNotes, Acts: true, keep: []string{"text"}, show: (*page).clientNotes},
		{Path: "clients/{id}/edit", See: account.EditUsers, Acts: true, keep: []string{"version", "waits", "first_name", "last_name", "email", "language"}, show: (*page).edit},
		{Path: "events", See: account.SeeEvents, show: (*page).events},
		{Path: "events/stream", See: account.SeeEvents, show: (*page).stream},
		{Path: "events/{id}", See: account.SeeEvents, show: (*page).event},
		{Path: "mails", See: account.SeeMails, Do: account.ResendMails, Acts: true, show: (*page).mails},
		{Path: "mails/{id}", See: account.SeeMails, Do: account.ResendMails, Acts: true, show: (*page).mail},
		{Path: "approvals", See: account.DecideApprovals, show: (*page).approvals},
		{Path: "approvals/{id}", See: account.DecideApprovals, Acts: true, keep: []string{"reason"}, show: (*page).approval},
		{Path: "approvals/{id}/use", See: account.DecideApprovals, Acts: true, show: (*page).useApproval},
		{Path: "staff", See: account.ManageStaff, Acts: true, keep: []string{"email", "role"}, show: (*page).members},
		{Path: "staff/{id}", See: account.ManageStaff, Acts: true, keep: []string{"reason", "role"}, show: (*page).member},
		{Path: "keys", See: account.ManageKeys, Acts: true, show: (*page).keys},
		{Path: "keys/{id}/revoke", See: account.ManageKeys, Acts: true, keep: []string{"reason"}, show: (*page).revokeKey},
		{Path: "services", See: account.ManageServices, Acts: true, keep: serviceFields(), show: (*page).services},
		{Path: "services/{id}/end", See: account.ManageServices, Acts: true, show: (*page).endService},
		{Path: "webhooks", See: account.ManageWebhooks, Acts: true, keep: webhookFields(), show: (*page).webhooks},
		{Path: "webhooks/{id}", See: account.ManageWebhooks, show: (*page).webhook},
		{Path: "webhooks/{id}/rotate", See: account.ManageWebhooks, Acts: true, show: (*page).rotateWebhook},
		{Path: "webhooks/{id}/test", See: account.ManageWebhooks, Acts: true, show: (*page).testWebhook},
		{Path: "system", See: account.SeeSystem, show: (*page).system},
		{Path: "clients/export", See: account.ExportUsers, Acts: true, keep: []string{"whom", "reason", "format"}, show: (*page).export},
		{Path: "clients/bulk", See: account.SeeUsers, show: (*page).many},
		{Path: "clients/new", See: account.CreateUsers, Acts: true, keep: []string{"email", "first_name", "last_name", "language"}, show: (*page).invite},
		{Path: loginPath, Open: true, Acts: true, keep: []string{"username"}, show: (*page).login},
		{Path: factorPath, Open: true, Acts: true, show: (*page).factor},
		{Path: setupPath, Open: true, Acts: true, show: (*page).setup},
		{Path: acceptPath, Open: true, Acts: true, show: (*page).accept},
		{Path: enrolPath, Any: true, Acts: true, show: (*page).enrol},
		{Path: "logout", Open: true, Acts: true, show: (*page).logout},
		{Path: "language", Open: true, Acts: true, show: (*page).setLanguage},
		{Path: "me", Any: true, Acts: true, show: (*page).me},
		{Path: "help", Any: true, show: (*page).help},
	}
	for _, a := range clientActs() {
		routes = append(routes, Route{
			Path: "clients/{id}/" + a.name, See: a.need, Acts: true, keep: []string{"reason"},
			show: func(p *page) { p.clientAct(a) },
		})
	}
	for _, a := range webhookActs {
		routes = append(routes, Route{Path: "webhooks/{id}/" + a.name, See: account.ManageWebhooks, Acts: true, show: func(p *page) { p.actOnWebhook(a) }})
	}
	for _, a := range bulkActs {
		routes = append(routes, Route{
			Path: "clients/bulk/" + string(a.act), See: a.need, Acts: true, keep: []string{"whom", "reason"},
			show: func(p *page) { p.bulk(a) },
		})
	}
	return routes
}
