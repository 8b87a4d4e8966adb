package attack

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

var requests = group{
	title: "Requests that are not quite HTTP",
	about: "Written to the socket byte by byte. There must be as many answers as requests: what an attacker hides behind one must not be taken for another. " +
		"501 and 505 are net/http's answers to encodings and versions that do not exist (RFC 9112, 6.1 and RFC 9110, 15.6.6).",
	on:   []string{"ES256"},
	rows: func() []row { return append(framingRows(), requestRows()...) },
}

func TestRequests(t *testing.T) {
	t.Parallel()
	s := start(t, "ES256", "", "YOOZAK_REQUEST_TIMEOUT=4s")
	requests.play(t, s, "ES256")
}

// sent is a row of bytes and the statuses of the answers to them.
func sent(name, tries, request string, statuses ...int) row {
	holds := "no answer, the connection is closed"
	if len(statuses) > 0 {
		holds = strings.Join(strings.Fields(strings.Trim(fmt.Sprint(statuses), "[]")), ", ") + ", nothing else, and the connection is closed"
		if len(statuses) > 1 {
			holds = fmt.Sprintf("%d answers for %d requests, and nothing else", len(statuses), len(statuses))
		}
	}
	return row{name: name, tries: tries, holds: holds, play: func(t *testing.T, s *server) { s.raw(t, request, statuses...) }}
}

// hidden is the request that smugglers hide.
const hidden = "GET /healthz HTTP/1.1\r\nHost: accounts.shop.example\r\n\r\n"

// post is a request with a body that is good JSON of a wrong login.
func post(lines ...string) string {
	return head(http.MethodPost, loginPath, append(lines, "Content-Type: application/json")...)
}

// framingRows disagree about where a request ends.
func framingRows() []row {
	body := `{"username":"nobody","password":"wrong-password-1"}`
	length := func(n int) string { return fmt.Sprint("Content-Length: ", n) }
	chunked := "Transfer-Encoding: chunked"
	chunk := fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(body), body)
	rows := []row{
		sent("CL.TE", "both a length and chunks; a request behind the last chunk but within the length", post(length(len(chunk)+len(hidden)), chunked)+chunk+hidden, 401),
		sent("TE.CL", "both chunks and a short length; a request inside of a chunk", post(chunked, length(4))+fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(hidden), hidden), 400),
		sent("TE.TE", "chunks said twice, once in other letters", post(chunked, "Transfer-encoding: cow")+chunk+hidden, 501),
		sent("TE.0", "chunks, and a length of zero", post(length(0), chunked)+chunk+hidden, 401),
		sent("0.CL", "a length on a GET, with a request in its body", head(http.MethodGet, mePath, length(len(hidden)))+hidden, 401),
		sent("request behind chunks", "a whole request behind the last chunk: after chunks the connection is closed", post(chunked)+chunk+hidden, 401),
		sent("CL twice, equal", "two lengths that agree", post(length(len(body)), length(len(body)))+body, 401),
		sent("CL twice", "two lengths that differ", post(length(len(body)), length(len(body)+len(hidden)))+body+hidden, 400),
	}
	for _, v := range []string{"5, 5", "5,6", "+5", "-5", "-0", "0x33", "5_1", "５１", "51 51", "51;", "51.0", "5e1", "99999999999999999999", "\"51\"", "51\x00", "a"} {
		rows = append(rows, sent("length: `"+strings.ReplaceAll(v, "\x00", "NUL")+"`", "a length that is no number of HTTP", post("Content-Length: "+v)+body+hidden, 400))
	}
	rows = append(rows,
		sent("length of a petabyte", "more than will ever come", post("Content-Length: 999999999999999")+body, 413),
		sent("length never reached", "a byte more than is sent", post(length(len(body)+1))+body, 408),
	)
	for _, v := range []string{"xchunked", "identity", "chunked, identity", "identity, chunked", "gzip, chunked", "chunked, chunked", "\"chunked\"", "chunked;q=1", "cow", "deflate", "\u212aunked", "chunked\u00a0", ","} {
		rows = append(rows, sent("encoding: `"+v+"`", "a transfer coding that one server takes and another passes over", post("Transfer-Encoding: "+v, length(len(body)))+body+hidden, 501))
	}
	var spoiled []row
	for name, line := range map[string]string{
		"a space before the colon": "Transfer-Encoding : chunked", "a vertical tab": "Transfer-Encoding:\vchunked", "NUL before": "Transfer-Encoding:\x00chunked",
		"a CR before": "Transfer-Encoding: \rchunked", "NUL in the name": "Transfer\x00-Encoding: chunked",
	} {
		spoiled = append(spoiled, sent("encoding spoiled: "+name, "a header that some servers mend", post("X-A: b", line, length(len(body)))+body+hidden, 400))
	}
	rows = append(rows, sent("encoding folded", "a line that goes on is part of the header before, here one that means nothing", post("X-A: b", " Transfer-Encoding: chunked", length(len(body)))+body+hidden, 401, 200))
	for name, chunks := range map[string]string{
		"negative size": "-5\r\n12345\r\n0\r\n\r\n", "0x": "0x5\r\n12345\r\n0\r\n\r\n", "64 bits and more": "fffffffffffffffff\r\n12345\r\n0\r\n\r\n", "no size": "\r\n12345\r\n0\r\n\r\n",
		"size and a space": "5 5\r\n12345\r\n0\r\n\r\n", "no end": "5\r\n12345XX0\r\n\r\n", "an extension of 20 KiB": "5;" + strings.Repeat("a", 20<<10) + "\r\n12345\r\n0\r\n\r\n",
		"plus": "+5\r\n12345\r\n0\r\n\r\n", "underscore": "0_5\r\n12345\r\n0\r\n\r\n", "letters": "five\r\n12345\r\n0\r\n\r\n", "bare CR": "5\r12345\r0\r\r",
		"a CR inside of the size": "5\r\r\n12345\r\n0\r\n\r\n",
	} {
		spoiled = append(spoiled, sent("chunks spoiled: "+name, "chunks that another server cuts otherwise", post(chunked)+chunks+hidden, 400))
	}
	byName(spoiled)
	return append(append(rows, spoiled...),
		sent("chunk extension", "`5;a=b`, which is HTTP", post(chunked)+"5;a=b\r\n12345\r\n0\r\n\r\n"+hidden, 400),
		sent("chunks of one byte", "the same body in a chunk for each byte", post(chunked)+oneByOne(body)+hidden, 401),
		sent("60,000 chunks", "more framing than body", post(chunked)+oneByOne(strings.Repeat(" ", 60000)), 400),
		sent("chunk of 4 GiB", "the size of a chunk that will not come, and 100 KiB of it", post(chunked)+"ffffffff\r\n"+strings.Repeat("a", 100<<10), 413),
		sent("trailers", "headers behind the chunks: who one is, and a host", post(chunked, "Trailer: Authorization")+fmt.Sprintf("%x\r\n%s\r\n0\r\nAuthorization: Bearer x\r\nHost: evil.example\r\n\r\n", len(body), body)+hidden, 401),
		sent("trailers of 64 KiB", "more headers behind the chunks than before", post(chunked)+fmt.Sprintf("%x\r\n%s\r\n0\r\n", len(body), body)+strings.Repeat("X-A: "+strings.Repeat("b", 100)+"\r\n", 600)+"\r\n", 400),
		sent("chunks in HTTP/1.0", "which has none", strings.Replace(post(chunked), "HTTP/1.1", "HTTP/1.0", 1)+chunk+hidden, 400),
		sent("pipelining: five good", "requests behind each other", strings.Repeat(hidden, 5), 200, 200, 200, 200, 200),
		sent("pipelining: a bad one in the middle", "nothing behind what is not HTTP is taken for a request", hidden+"BAD\r\n\r\n"+hidden, 200, 400),
		sent("pipelining: behind a 404", "the body of a request to nowhere is not the next request", head(http.MethodPost, "/nowhere/", length(len(hidden)))+hidden+hidden, 404, 200),
		sent("pipelining: behind a 401", "the body of a refused request is not the next request", head(http.MethodPost, changePath, length(len(hidden)))+hidden+hidden, 401, 200),
		sent("pipelining: behind a 405", "the body of a wrong method is not the next request", head(http.MethodPut, loginPath, length(len(hidden)))+hidden+hidden, 405, 200),
		sent("pipelining: behind a 413", "what is too large is not read for requests", post(length(70<<10))+strings.Repeat(" ", 70<<10)+hidden, 413),
		sent("pipelining: behind HEAD", "no body is sent that could be taken for an answer", head(http.MethodHead, "/healthz")+hidden, 200, 200),
		sent("body on DELETE", "with a request in it", head(http.MethodDelete, mePath, length(len(hidden)))+hidden+hidden, 401, 200),
		sent("body on OPTIONS", "with a request in it", head(http.MethodOptions, loginPath, length(len(hidden)))+hidden+hidden, 200, 200),
	)
}

// oneByOne makes a chunk of each byte.
func oneByOne(body string) string {
	var b strings.Builder
	for i := range len(body) {
		fmt.Fprintf(&b, "1\r\n%c\r\n", body[i])
	}
	return b.String() + "0\r\n\r\n"
}

// requestRows bend the request line and the headers.
func requestRows() []row {
	get := func(lines ...string) string {
		return strings.Join(append([]string{"GET /healthz HTTP/1.1"}, append(lines, "", "")...), "\r\n")
	}
	host := "Host: accounts.shop.example"
	me := func(lines ...string) string { return head(http.MethodGet, mePath, lines...) }
	rows := []row{
		sent("HTTP/0.9", "a request without a version", "GET /healthz\r\n\r\n", 400),
		sent("HTTP/1.0", "no host, no keep-alive", "GET /healthz HTTP/1.0\r\n\r\n"+hidden, 200),
		sent("HTTP/1.2", "a version that does not exist", "GET /healthz HTTP/1.2\r\n"+host+"\r\n\r\n", 200),
		sent("HTTP/2.0 in clear", "the first bytes of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
		sent("HTTP/3.0", "a version that does not exist", "GET /healthz HTTP/3.0\r\n"+host+"\r\n\r\n", 505),
		sent("HTTP/11", "a malformed version", "GET /healthz HTTP/11\r\n"+host+"\r\n\r\n", 400),
		sent("http/1.1", "in small letters", "GET /healthz http/1.1\r\n"+host+"\r\n\r\n", 400),
		sent("HTTP/1.1 in full width", "digits of Unicode", "GET /healthz HTTP/１.１\r\n"+host+"\r\n\r\n", 400),
		sent("TLS", "a client hello where none is spoken", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
		sent("SSH", "another protocol", "SSH-2.0-OpenSSH_9.9\r\n\r\n", 400),
		sent("SMTP", "another protocol", "EHLO evil.example\r\nMAIL FROM:<a@evil.example>\r\n\r\n", 400),
		sent("PROXY protocol", "an address of one's own choice", "PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n"+hidden, 400),
		sent("empty lines before", "which old clients send", "\r\n\r\n"+hidden, 400),
		sent("two spaces", "in the request line", "GET  /healthz HTTP/1.1\r\n"+host+"\r\n\r\n", 400),
		sent("tabs", "for spaces in the request line", "GET\t/healthz\tHTTP/1.1\r\n"+host+"\r\n\r\n", 400),
		sent("no target", "two words only", "GET HTTP/1.1\r\n"+host+"\r\n\r\n", 400),
		sent("a space in the target", "a request line of four words", "GET /healthz x HTTP/1.1\r\n"+host+"\r\n\r\n", 400),
		sent("NUL in the target", "which ends a text in C", "GET /healthz\x00 HTTP/1.1\r\n"+host+"\r\n\r\n", 400),
		sent("bad escape", "`%zz` in the path", "GET /healthz%zz HTTP/1.1\r\n"+host+"\r\n\r\n", 400),
		sent("fragment", "`#` in the target", "GET /healthz#x HTTP/1.1\r\n"+host+"\r\n\r\n", 404),
		sent("bytes beyond ASCII", "in the target", "GET /h\xe9althz HTTP/1.1\r\n"+host+"\r\n\r\n", 404),
		sent("absolute target", "another host in the target than in Host; the same answer", "GET http://evil.example/healthz HTTP/1.1\r\n"+host+"\r\n\r\n", 200),
		sent("absolute target, https", "as to a proxy: nothing is fetched", "GET https://evil.example:443/healthz HTTP/1.1\r\n"+host+"\r\n\r\n", 200),
		sent("absolute target, file", "a file of the machine", "GET file:///etc/passwd HTTP/1.1\r\n"+host+"\r\n\r\n", 404),
		sent("absolute target inside", "the metadata of a cloud", "GET http://169.254.169.254/latest/meta-data/ HTTP/1.1\r\n"+host+"\r\n\r\n", 404),
		sent("CONNECT", "a tunnel to elsewhere", "CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1:22\r\n\r\n", 405),
		sent("GET *", "a target for OPTIONS only", "GET * HTTP/1.1\r\n"+host+"\r\n\r\n", 400),
		sent("TRACE", "to see one's headers again", head("TRACE", mePath, "Authorization: Bearer x"), 401),
		sent("TRACE of a page", "to see one's headers again", head("TRACE", "/account/forgot-password/", "Cookie: a=b"), 405),
		sent("method in small letters", "get", "get /healthz HTTP/1.1\r\n"+host+"\r\n\r\n", 404),
		sent("method with brackets", "no token of HTTP", "GE(T /healthz HTTP/1.1\r\n"+host+"\r\n\r\n", 400),
		sent("method of HTML", "`<script>`", "<script> "+loginPath+" HTTP/1.1\r\n"+host+"\r\n\r\n", 400),
		sent("method of 10,000 letters", "in the log it is cut", strings.Repeat("A", 10000)+" /healthz HTTP/1.1\r\n"+host+"\r\n\r\n", 404),
		sent("method made up", "`HACK`", head("HACK", loginPath), 405),
		sent("PROPFIND", "of WebDAV", head("PROPFIND", loginPath), 405),
		sent("DEBUG", "of ASP.NET", head("DEBUG", loginPath, "Command: stop-debug"), 405),
		sent("no Host", "HTTP/1.1 wants one", get(), 400),
		sent("two Hosts", "which differ", get("Host: a", "Host: b"), 400),
		sent("Host with a space", "no host", get("Host: a b"), 400),
		sent("Host with a path", "no host", get("Host: a/b"), 400),
		sent("Host with NUL", "no host", get("Host: a\x00b"), 400),
		sent("Host with a CR", "no host", get("Host: a\rb"), 400),
		sent("Host of a user", "`a@b`", get("Host: accounts.shop.example@evil.example"), 400),
		sent("Host empty", "which HTTP allows", get("Host: "), 200),
		sent("LF only", "for ends of lines, which HTTP lets a server take", "GET /healthz HTTP/1.1\n"+host+"\n\n", 200),
		sent("CR only", "for ends of lines", "GET /healthz HTTP/1.1\r"+host+"\r\r", 400),
		sent("bare CR in a value", "a header inside of a header", get(host, "X-A: b\rAuthorization: Bearer x"), 400),
		sent("NUL in a value", "which ends a text in C", get(host, "X-A: b\x00c"), 400),
		sent("control characters in a value", "a bell", get(host, "X-A: b\x07c"), 400),
		sent("NUL in a name", "no token of HTTP", get(host, "X\x00A: b"), 400),
		sent("space before the colon", "a header that some servers mend", get(host, "X-A : b"), 400),
		sent("space in a name", "no token of HTTP", get(host, "X A: b"), 400),
		sent("no colon", "a line that is no header", get(host, "X-A"), 400),
		sent("no name", "a line that begins with its colon", get(host, ": b"), 400),
		sent("Unicode in a name", "no token of HTTP", get(host, "Authorızation: Bearer x"), 400),
		sent("first header folded", "a line that goes on from the request line", "GET /healthz HTTP/1.1\r\n "+host+"\r\n\r\n", 400),
		sent("header folded", "obs-fold: one value on two lines", me("Authorization: Bearer", " x"), 401),
		sent("header of 1 MiB", "more than 16 KiB", get(host, "X-A: "+strings.Repeat("A", 1<<20)), 431),
		sent("header name of 1 MiB", "more than 16 KiB", get(host, strings.Repeat("A", 1<<20)+": b"), 431),
		sent("target of 1 MiB", "more than 16 KiB", "GET /"+strings.Repeat("A", 1<<20)+" HTTP/1.1\r\n"+host+"\r\n\r\n", 431),
		sent("query of 1 MiB", "more than 16 KiB", "GET /healthz?"+strings.Repeat("a=b&", 1<<18)+" HTTP/1.1\r\n"+host+"\r\n\r\n", 431),
		sent("1 MiB without a line", "only letters", strings.Repeat("A", 1<<20), 431),
		sent("token of 1 MiB", "a header of our own", me("Authorization: Bearer "+strings.Repeat("A", 1<<20)), 431),
		sent("cookies of 1 MiB", "a header that nobody reads", me("Cookie: "+strings.Repeat("a=b; ", 200000)), 431),
		sent("20,000 headers", "all the same", get(host, strings.Repeat("X-A: b\r\n", 20000)+"X-A: b"), 431),
		sent("2,000 different headers", "a map of names", get(host, strings.TrimSuffix(manyHeaders(2000), "\r\n")), 431),
		sent("1,000 headers", "which fit", get(host, strings.Repeat("A: b\r\n", 999)+"A: b"), 200),
		sent("500 Authorizations", "all the same", me(strings.Repeat("Authorization: Bearer x\r\n", 499)+"Authorization: Bearer x"), 401),
		sent("500 Accept-Languages", "2,000 languages to choose from", me(strings.Repeat("Accept-Language: fr,en,ar,de\r\n", 399)+"Accept-Language: x"), 401),
		sent("Accept-Language of 15 KiB", "made of commas", me("Accept-Language: "+strings.Repeat(",", 15<<10)), 401),
		sent("Accept of 15 KiB", "made of semicolons", me("Accept: "+strings.Repeat("a/b;q=0,", 1900)+"*/*"), 401),
		sent("Content-Type of 15 KiB", "made of parameters", head(http.MethodPost, loginPath, "Content-Type: application/json"+strings.Repeat(";a=b", 3500), "Content-Length: 2")+"{}", 400),
		sent("X-Forwarded-For of 15 KiB", "made of addresses", me("X-Forwarded-For: "+strings.Repeat("10.0.0.1,", 1600)), 401),
		sent("Range", "10,000 pieces of an answer (CVE-2011-3192)", me("Range: bytes="+strings.Repeat("0-,", 4000)), 401),
		sent("Expect", "a body that is too large is refused before it is sent", post("Expect: 100-continue", "Content-Length: 70000"), 413),
		sent("Expect unknown", "an unknown expectation", post("Expect: 200-maybe", "Content-Length: 2")+"{}", 417),
		sent("Upgrade h2c", "HTTP/2 behind the proxy's back", me("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"), 401),
		sent("Upgrade websocket", "a tunnel behind the proxy's back", me("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: AAAA", "Sec-WebSocket-Version: 13"), 401),
		sent("Connection: Authorization", "a header that a proxy drops on the way", me("Connection: close, Authorization", "Authorization: Bearer x"), 401),
	}
	return rows
}

func manyHeaders(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "X-%d: %d\r\n", i, i)
	}
	return b.String()
}
