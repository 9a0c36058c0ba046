package text

import (
	"strings"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/types"
)

// urlEncode writes application/x-www-form-urlencoded text.
var urlEncode = strict("URL_ENCODE", "URL_ENCODE(string)", functions.Nullable(types.StringType), []functions.Param{str},
	func(args []batch.Vector, out *batch.Vector, i int) {
		off := len(out.Buf)
		for _, c := range args[0].Bytes(i) {
			switch {
			case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.' || c == '*':
				out.Buf = append(out.Buf, c)
			case c == ' ':
				out.Buf = append(out.Buf, '+')
			default:
				out.Buf = append(out.Buf, '%', upperHex[c>>4], upperHex[c&15])
			}
		}
		out.EndBytes(i, off)
	}).Says("The string with all but letters, digits and . - * _ as %XX; a blank becomes +.", "URL_ENCODE('a b&c') -> 'a+b%26c'")

// urlDecode reads it; NULL for a % without two digits. With recursive it decodes
// until nothing changes, at most depth times (10 if not said).
var urlDecode = func() *functions.Scalar {
	f := strict("URL_DECODE", "URL_DECODE(string[, recursive[, max depth]])", functions.Nullable(types.StringType),
		[]functions.Param{str, functions.BooleanParam.Opt(), functions.IntParam.Opt()}, nil).Says("The string that URL_ENCODE made this of; with recursive again and again, at most so many times. NULL where it isn't well formed.", "URL_DECODE('a+b%26c') -> 'a b&c'")
	f.Bind = func(functions.Call) (functions.Kernel, error) {
		var room [2][]byte
		return kernel(func(args []batch.Vector, out *batch.Vector, i int) {
			times := int64(1)
			if len(args) > 1 && args[1].I64[i] != 0 {
				times = 10
				if len(args) > 2 {
					times = max(args[2].I64[i], 1)
				}
			}
			s := args[0].Bytes(i)
			for k := int64(0); k < times; k++ {
				to, ok := unescape(room[k&1][:0], s)
				if room[k&1] = to; !ok {
					if k > 0 {
						break // the last text that could be read counts
					}
					out.SetNull(i)
					return
				}
				same := string(to) == string(s)
				if s = to; same {
					break
				}
			}
			off := len(out.Buf)
			out.Buf = appendValidUTF8(out.Buf, s)
			out.EndBytes(i, off)
		}), nil
	}
	return f
}()

func unescape(b, s []byte) ([]byte, bool) {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '+':
			b = append(b, ' ')
		case '%':
			if i+2 >= len(s) || digit(s[i+1]) < 0 || digit(s[i+2]) < 0 {
				return b, false
			}
			b = append(b, byte(digit(s[i+1])<<4|digit(s[i+2])))
			i += 2
		default:
			b = append(b, c)
		}
	}
	return b, true
}

// location is a URL taken apart as java.net.URL does.
type location struct {
	protocol, authority, user, host, path, query, ref string
	hasAuthority, hasUser, hasQuery, hasRef           bool
}

// protocols are those java.net.URL knows; others are no URL.
var protocols = map[string]bool{"http": true, "https": true, "ftp": true, "file": true, "mailto": true, "jar": true, "jrt": true, "jmod": true}

func parseLocation(s string) (l location, ok bool) {
	s = strings.TrimFunc(s, func(r rune) bool { return r <= ' ' })
	if len(s) >= 4 && strings.EqualFold(s[:4], "url:") {
		s = s[4:]
	}
	colon := strings.IndexAny(s, ":/")
	if colon <= 0 || s[colon] != ':' {
		return l, false
	}
	l.protocol = strings.ToLower(s[:colon])
	if !protocols[l.protocol] {
		return l, false
	}
	s = s[colon+1:]
	s, l.ref, l.hasRef = strings.Cut(s, "#")
	if l.protocol == "jar" || l.protocol == "mailto" {
		l.path = s
		if l.protocol == "jar" {
			return l, strings.Contains(s, "!/")
		}
		return l, true
	}
	s, l.query, l.hasQuery = strings.Cut(s, "?")
	if strings.HasPrefix(s, "//") {
		l.hasAuthority = true
		l.authority, l.path = s[2:], ""
		if at := strings.IndexByte(l.authority, '/'); at >= 0 {
			l.authority, l.path = l.authority[:at], l.authority[at:]
		}
		return l, l.splitAuthority()
	}
	l.path = s
	return l, true
}

// splitAuthority takes the user and the port off the host.
func (l *location) splitAuthority() bool {
	l.host = l.authority
	if at := strings.IndexByte(l.host, '@'); at >= 0 {
		if at != strings.LastIndexByte(l.host, '@') {
			l.host = ""
			return true
		}
		l.user, l.host, l.hasUser = l.host[:at], l.host[at+1:], true
	}
	end := 0
	if strings.HasPrefix(l.host, "[") {
		close := strings.IndexByte(l.host, ']')
		if close < 0 {
			return false
		}
		end = close + 1
		if rest := l.host[end:]; rest != "" && rest[0] != ':' {
			return false
		}
	}
	colon := strings.IndexByte(l.host[end:], ':')
	if colon < 0 {
		return true
	}
	port := l.host[end+colon+1:]
	l.host = l.host[:end+colon]
	for k, c := range port {
		if (c < '0' || c > '9') && !(k == 0 && c == '-' && port == "-1") {
			return false
		}
	}
	return len(port) < 10
}

// part is what PARSE_URL gives for a part's name.
func (l *location) part(name string) (string, bool) {
	switch name {
	case "HOST":
		return l.host, true
	case "PATH":
		return l.path, true
	case "QUERY":
		return l.query, l.hasQuery
	case "REF":
		return l.ref, l.hasRef
	case "PROTOCOL":
		return l.protocol, true
	case "AUTHORITY":
		return l.authority, l.hasAuthority
	case "USERINFO":
		return l.user, l.hasUser
	case "FILE":
		if l.hasQuery {
			return l.path + "?" + l.query, true
		}
		return l.path, true
	}
	return "", false
}

// queryValue is the value of the first parameter of that name.
func queryValue(query, key string) (string, bool) {
	for len(query) > 0 {
		var one string
		one, query, _ = strings.Cut(query, "&")
		if k, v, ok := strings.Cut(one, "="); ok && k == key {
			return v, true
		}
	}
	return "", false
}

// parseURL takes a URL apart. The last URL is remembered for
// constants and runs of equal ones.
var parseURL = func() *functions.Scalar {
	f := strict("PARSE_URL", "PARSE_URL(url, part[, key])", functions.Nullable(types.StringType), []functions.Param{str, str, str.Opt()}, nil).Shown("PARSE_URL('http://example.org/p?k=v', 'QUERY', 'k') -> 'v'")
	f.Doc.Text = "A part of a URL: HOST, PATH, QUERY, REF, PROTOCOL, AUTHORITY, FILE or USERINFO; with QUERY and a key the value of that parameter. NULL for what isn't a URL or isn't there."
	f.Bind = func(functions.Call) (functions.Kernel, error) {
		var last string
		var l location
		var ok bool
		return kernel(func(args []batch.Vector, out *batch.Vector, i int) {
			if s := args[0].Bytes(i); string(s) != last {
				last = string(s)
				l, ok = parseLocation(last)
			}
			v, found := "", false
			if ok {
				v, found = l.part(string(args[1].Bytes(i)))
				if len(args) > 2 && found {
					if found = string(args[1].Bytes(i)) == "QUERY"; found {
						v, found = queryValue(v, string(args[2].Bytes(i)))
					}
				}
			}
			if !found {
				out.SetNull(i)
				return
			}
			out.SetString(i, v)
		}), nil
	}
	return f
}()
