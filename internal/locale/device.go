package locale

import (
	"strings"

	"github.com/mileusna/useragent"
)

// Device says in words what a User-Agent header means to the person who sees
// it, the browser or app and the system: "Chrome on Android". What it cannot
// read is an unknown device; the header itself is never shown as if it were
// true.
func Device(lang, userAgent string) string {
	ua := useragent.Parse(userAgent)
	name, system := nameOf(lang, ua.Name), ua.OS
	if system == "" && isApple(userAgent) {
		system = useragent.IOS
	}
	switch {
	case name != "" && system != "":
		return Text(lang, "device.on", Args{"browser": name, "system": system})
	case name != "":
		return name
	case system != "":
		return system
	}
	return Text(lang, "device.unknown", nil)
}

// isApple reports whether the header is that of an app which asks through
// Apple's libraries. It names itself, but no system.
func isApple(userAgent string) bool {
	return strings.Contains(userAgent, "CFNetwork/") && strings.Contains(userAgent, "Darwin/") || strings.Contains(userAgent, "; iOS ")
}

// nameOf is a browser's name, or what an app or a program is made with. A
// header that is none of these, which the parser gives back as the name,
// stays out of mails and lists: anybody can write anything into it.
func nameOf(lang, parsed string) string {
	if browsers[parsed] {
		return parsed
	}
	if made, is := apps[parsed]; is {
		return Text(lang, "device.app", Args{"name": made})
	}
	if made, is := programs[parsed]; is {
		return Text(lang, "device.program", Args{"name": made})
	}
	return ""
}

var browsers = map[string]bool{
	useragent.Chrome: true, useragent.HeadlessChrome: true, useragent.Edge: true, useragent.Firefox: true,
	useragent.Safari: true, useragent.MobileSafari: true, useragent.Opera: true, useragent.OperaMini: true, useragent.OperaTouch: true,
	useragent.InternetExplorer: true, useragent.Vivaldi: true, useragent.SamsungBrowser: true,
	useragent.FacebookApp: true, useragent.InstagramApp: true, useragent.TiktokApp: true,
	"Brave": true, "Yoozak": true,
}

// What phones' apps ask with.
var apps = map[string]string{
	"Expo": "Expo", "Exponent": "Expo", "okhttp": "okhttp", "Dart": "Dart", "axios": "axios", "ktor-client": "Ktor", "Ktor client": "Ktor",
}

// What other programs ask with.
var programs = map[string]string{
	"node": "Node.js", "node-fetch": "Node.js", "undici": "Node.js", "Deno": "Deno", "Bun": "Bun",
	"Java": "Java", "Java-http-client": "Java", "Apache-HttpClient": "Java",
	"python-requests": "Python", "python-httpx": "Python", "Python": "Python", "Go-http-client": "Go", "GuzzleHttp": "PHP",
	"curl": "curl", "Wget": "wget", "HTTPie": "HTTPie", "PostmanRuntime": "Postman", "insomnia": "Insomnia",
}
