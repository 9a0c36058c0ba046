package sqlerr

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// sensitive are the parts of names whose values aren't shown: Flink's list.
const sensitive = `password|secret|fs\.azure\.account\.key|apikey|api-key|auth-params|service-key|token|basic-auth|jaas\.config|http-headers`

var (
	secretName  = regexp.MustCompile(`(?i)` + sensitive)
	secretValue = regexp.MustCompile(`(?i)('[^'\n]*(?:` + sensitive + `)[^'\n]*'\s*=\s*')((?:[^'\n]|'')*)`)
	urlSecret   = regexp.MustCompile(`(?i)([?&;](?:password|pwd|sslpassword)=)([^&;'"\s]*)|(://[^/@:'"\s]*:)([^/@'"\s]*)@`)
)

// Hidden is what stands for a value that isn't shown.
const Hidden = "******"

// Secret says that the value of an option or setting isn't to be shown.
func Secret(name string) bool { return secretName.MatchString(name) }

// Shown is an option's value as messages and lists may show it.
func Shown(name, value string) string {
	if Secret(name) {
		return Hidden
	}
	return ShownURL(value)
}

// ShownURL is a URL without the password in it.
func ShownURL(s string) string {
	return urlSecret.ReplaceAllStringFunc(s, func(m string) string {
		x := urlSecret.FindStringSubmatch(m)
		if x[1] != "" {
			return x[1] + Hidden
		}
		return x[3] + Hidden + "@"
	})
}

// ShownLine is a line of SQL with stars for the values of such options, as many as it has
// characters, so that a caret below it stays in place.
func ShownLine(line string) string {
	stars := func(s string) string { return strings.Repeat("*", utf8.RuneCountInString(s)) }
	line = secretValue.ReplaceAllStringFunc(line, func(m string) string {
		x := secretValue.FindStringSubmatch(m)
		return x[1] + stars(x[2])
	})
	return urlSecret.ReplaceAllStringFunc(line, func(m string) string {
		x := urlSecret.FindStringSubmatch(m)
		if x[1] != "" {
			return x[1] + stars(x[2])
		}
		return x[3] + stars(x[4]) + "@"
	})
}
