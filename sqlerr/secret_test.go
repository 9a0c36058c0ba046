package sqlerr

import (
	"strings"
	"testing"
)

func TestShownLine(t *testing.T) {
	for in, want := range map[string]string{
		`WITH ('connector' = 'jdbc', 'password' = 'geheim', 'username' = 'u')`: `WITH ('connector' = 'jdbc', 'password' = '******', 'username' = 'u')`,
		`  'properties.sasl.jaas.config'='x required password="a";',`:          `  'properties.sasl.jaas.config'='************************',`,
		`SET 's3.secret-key' = 'ä''b';`:                                        `SET 's3.secret-key' = '****';`,
		`'basic-auth.user-info'='u:p', 'table-name' = 'password'`:              `'basic-auth.user-info'='***', 'table-name' = 'password'`,
		`'url' = 'jdbc:mysql://h/d?user=u&password=p&x=1', 'a' = 'b'`:          `'url' = 'jdbc:mysql://h/d?user=u&password=*&x=1', 'a' = 'b'`,
		`'url' = 'http://u:pw@h:80/x'`:                                         `'url' = 'http://u:**@h:80/x'`,
		`SELECT password FROM t WHERE token = 'x'`:                             `SELECT password FROM t WHERE token = 'x'`,
		`'PASSWORD' = 'open to the line's end`:                                 `'PASSWORD' = '****************'s end`,
	} {
		if got := ShownLine(in); got != want {
			t.Errorf("%s\nis shown as\n%s, want\n%s", in, got, want)
		}
	}
}

// The excerpt below a message doesn't show what belongs to nobody else.
func TestRenderHidesSecrets(t *testing.T) {
	src := &Source{Name: "job.sql", Text: "CREATE TABLE t (a INT) WITH ('password' = 'geheim', 'x' = 'y')"}
	at := strings.Index(src.Text, "'x'")
	got := Render(New("X", Span{Src: src, Start: at, End: at + 3}, "no option"))
	if strings.Contains(got, "geheim") || !strings.Contains(got, "'password' = '******', 'x'") {
		t.Error(got)
	}
}

func TestShown(t *testing.T) {
	for name, hidden := range map[string]bool{"password": true, "s3.secret-key": true, "Properties.Ssl.Keystore.PASSWORD": true, "bearer-auth.token": true, "fs.azure.account.key.x": true, "s3.access-key": false, "table-name": false} {
		if got := Shown(name, "v"); (got == Hidden) != hidden {
			t.Errorf("%s: %s", name, got)
		}
	}
	if got := Shown("url", "jdbc:postgresql://h/d?password=p"); got != "jdbc:postgresql://h/d?password=******" {
		t.Error(got)
	}
}
