// Package device says in words what a User-Agent header means to the person
// who sees it: "Chrome on Android". What it cannot read is an unknown device;
// the header itself is never shown as if it were true.
package device

import (
	"github.com/mileusna/useragent"

	"github.com/yoozak/clients/internal/locale"
)

// Words names the browser or app and the system, in the language given.
func Words(lang, userAgent string) string {
	ua := useragent.Parse(userAgent)
	switch {
	case ua.Name != "" && known(ua.Name) && ua.OS != "":
		return locale.Text(lang, "device.on", locale.Args{"browser": ua.Name, "system": ua.OS})
	case known(ua.Name):
		return ua.Name
	case ua.OS != "":
		return ua.OS
	}
	return locale.Text(lang, "device.unknown", nil)
}

// known keeps a header that is no browser's, which the parser gives back as
// the name, out of mails and lists: anybody can write anything into it.
func known(name string) bool { return names[name] }

var names = map[string]bool{
	useragent.Chrome: true, useragent.HeadlessChrome: true, useragent.Edge: true, useragent.Firefox: true,
	useragent.Safari: true, useragent.MobileSafari: true, useragent.Opera: true, useragent.OperaMini: true, useragent.OperaTouch: true,
	useragent.InternetExplorer: true, useragent.Vivaldi: true, useragent.SamsungBrowser: true,
	useragent.FacebookApp: true, useragent.InstagramApp: true, useragent.TiktokApp: true,
	"Brave": true, "Yoozak": true, "okhttp": true, "Dart": true, "curl": true,
	"PostmanRuntime": true,
}
