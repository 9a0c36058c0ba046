package sqldb

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/millrace/millrace/sqlerr"
)

// ParseURL reads jdbc:mysql://host:port/db?..., jdbc:mariadb:... and
// jdbc:postgresql:....
func ParseURL(text string) (Dialect, Server, error) {
	shown := sqlerr.ShownURL(text)
	rest, ok := strings.CutPrefix(strings.TrimSpace(text), "jdbc:")
	if !ok {
		return nil, Server{}, fmt.Errorf("url %q doesn't begin with jdbc: write jdbc:mysql://host:port/database or jdbc:postgresql://host:port/database", shown)
	}
	kind, _, _ := strings.Cut(rest, ":")
	d := Of(kind)
	if d == nil {
		return nil, Server{}, fmt.Errorf("url %q: not supported yet: database %q; mysql, mariadb and postgresql are", shown, kind)
	}
	u, err := url.Parse(rest)
	if err != nil || u.Host == "" {
		return nil, Server{}, fmt.Errorf("url %q: write jdbc:%s://host:port/database", shown, kind)
	}
	s := Server{Host: u.Hostname(), Port: map[string]int{"mysql": 3306, "postgresql": 5432}[d.Name()], Database: strings.TrimPrefix(u.Path, "/")}
	if p := u.Port(); p != "" {
		if s.Port, err = strconv.Atoi(p); err != nil {
			return nil, Server{}, fmt.Errorf("url %q: port %q isn't a number", shown, p)
		}
	}
	q := u.Query()
	s.User, s.Password, s.Schema = q.Get("user"), q.Get("password"), q.Get("currentSchema")
	if u.User != nil {
		s.User = u.User.Username()
		s.Password, _ = u.User.Password()
	}
	s.TLS = q.Get("sslmode") + q.Get("sslMode")
	if s.TLS == "" && strings.EqualFold(q.Get("useSSL"), "true") {
		s.TLS = "required"
	}
	return d, s, nil
}

// String is the server without its secrets: mysql names host, port and database.
func (s Server) String() string {
	if s.Database == "" {
		return fmt.Sprintf("%s:%d", s.Host, s.Port)
	}
	return fmt.Sprintf("%s:%d/%s", s.Host, s.Port, s.Database)
}
