// Package confluent is Avro whose schemas lie in a registry: avro-confluent and
// debezium-avro-confluent. A message is a zero byte, the number of the schema it was
// written with in four bytes, and the Avro record.
//
// registry.go is the registry's client; avro.go and debezium.go are the formats, on
// the plans and writers of formats/avro. A schema is asked for once per number.
package confluent

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/sqlerr"
)

// Limits of a call to the registry.
const (
	callTimeout = 10 * time.Second
	calls       = 4 // tries of one call
	maxAnswer   = 16 << 20
)

// registry talks to a schema registry.
type registry struct {
	base   string
	client *http.Client
	auth   func(*http.Request)
}

func options() []formats.Option {
	return []formats.Option{
		{Name: "url", Doc: "Where the schema registry is: http://host:port."},
		{Name: "schema-registry.url", Doc: "The old name of 'url'."},
		{Name: "subject", Doc: "Under which schemas are registered; a topic's is topic-value, or topic-key."},
		{Name: "schema-registry.subject", Doc: "The old name of 'subject'."},
		{Name: "schema", Doc: "Writing: an Avro schema with the table's columns, instead of the one made of them."},
		{Name: "timestamp_mapping.legacy", Type: formats.BoolOption, Default: "true", Doc: "TIMESTAMP as timestamp-millis; false: as local-timestamp, TIMESTAMP_LTZ as timestamp."},
		{Name: "ssl.keystore.location", Doc: "A PEM file with certificate and key of this client."},
		{Name: "ssl.keystore.password", Secret: true, Doc: "Not needed: PEM files have none."},
		{Name: "ssl.truststore.location", Doc: "A PEM file of the certificates that are trusted."},
		{Name: "ssl.truststore.password", Secret: true, Doc: "Not needed: PEM files have none."},
		{Name: "basic-auth.credentials-source", Doc: "URL or USER_INFO."},
		{Name: "basic-auth.user-info", Secret: true, Doc: "user:password."},
		{Name: "bearer-auth.credentials-source", Doc: "STATIC_TOKEN."},
		{Name: "bearer-auth.token", Secret: true, Doc: "The token."},
		{Name: "properties", Type: formats.MapOption, Doc: "Accepted; the Java client's own settings mean nothing here."},
	}
}

// either is an option under its new or its old name.
func either(v formats.Values, name string) string {
	if s := v.String(name); s != "" {
		return s
	}
	return v.String("schema-registry." + name)
}

func newRegistry(format string, v formats.Values) (*registry, error) {
	base := either(v, "url")
	if base == "" {
		return nil, fmt.Errorf("format %s needs '%s.url', the schema registry", format, format)
	}
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("'%s.url' is %q; it must be http://host:port", format, sqlerr.ShownURL(base))
	}
	user := u.User
	u.User = nil
	r := &registry{base: strings.TrimSuffix(u.String(), "/"), auth: func(*http.Request) {}}
	switch source := strings.ToUpper(v.String("basic-auth.credentials-source")); source {
	case "", "URL":
		if password, ok := user.Password(); ok {
			r.auth = func(q *http.Request) { q.SetBasicAuth(user.Username(), password) }
		}
	case "USER_INFO":
		name, password, ok := strings.Cut(v.String("basic-auth.user-info"), ":")
		if !ok {
			return nil, fmt.Errorf("'%s.basic-auth.user-info' must be user:password", format)
		}
		r.auth = func(q *http.Request) { q.SetBasicAuth(name, password) }
	default:
		return nil, fmt.Errorf("'%s.basic-auth.credentials-source' is %q; it can be URL or USER_INFO", format, source)
	}
	switch source := strings.ToUpper(v.String("bearer-auth.credentials-source")); source {
	case "":
	case "STATIC_TOKEN":
		token := v.String("bearer-auth.token")
		r.auth = func(q *http.Request) { q.Header.Set("Authorization", "Bearer "+token) }
	default:
		return nil, fmt.Errorf("'%s.bearer-auth.credentials-source' is %q; it can be STATIC_TOKEN", format, source)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if transport.TLSClientConfig, err = tlsOf(format, v); err != nil {
		return nil, err
	}
	r.client = &http.Client{Timeout: callTimeout, Transport: transport}
	return r, nil
}

func tlsOf(format string, v formats.Values) (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	read := func(option string) ([]byte, error) {
		path := v.String(option)
		b, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("'%s.%s': %w", format, option, err)
		}
		if !bytes.Contains(b, []byte("-----BEGIN")) {
			return nil, fmt.Errorf("'%s.%s': %s isn't a PEM file; Java's key stores can't be read, `keytool -exportcert -rfc` makes PEM", format, option, path)
		}
		return b, nil
	}
	if v.Has("ssl.truststore.location") {
		b, err := read("ssl.truststore.location")
		if err != nil {
			return nil, err
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(b) {
			return nil, fmt.Errorf("'%s.ssl.truststore.location' has no certificate", format)
		}
	}
	if v.Has("ssl.keystore.location") {
		b, err := read("ssl.keystore.location")
		if err != nil {
			return nil, err
		}
		pair, err := tls.X509KeyPair(b, b)
		if err != nil {
			return nil, fmt.Errorf("'%s.ssl.keystore.location': %w", format, err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

// errUnknown says that the registry has no such schema.
var errUnknown = errors.New("the schema registry doesn't know it")

// schema is the text of schema id.
func (r *registry) schema(id uint32) (string, error) {
	var answer struct{ Schema, SchemaType string }
	if err := r.call(http.MethodGet, fmt.Sprintf("/schemas/ids/%d", id), nil, &answer); err != nil {
		return "", fmt.Errorf("schema %d: %w", id, err)
	}
	if answer.SchemaType != "" && answer.SchemaType != "AVRO" {
		return "", fmt.Errorf("schema %d is %s, not Avro: %w", id, answer.SchemaType, errUnknown)
	}
	return answer.Schema, nil
}

// register makes a schema known under a subject and returns its number.
func (r *registry) register(subject, schema string) (uint32, error) {
	body, err := json.Marshal(map[string]string{"schema": schema})
	if err != nil {
		return 0, err
	}
	var answer struct{ ID uint32 }
	if err := r.call(http.MethodPost, "/subjects/"+url.PathEscape(subject)+"/versions", body, &answer); err != nil {
		return 0, fmt.Errorf("registering the schema of subject %q: %w", subject, err)
	}
	return answer.ID, nil
}

// call asks the registry; what may pass is tried again.
func (r *registry) call(method, path string, body []byte, answer any) (err error) {
	for try := range calls {
		if try > 0 {
			time.Sleep(time.Duration(100<<try) * time.Millisecond)
		}
		var again bool
		if again, err = r.once(method, path, body, answer); err == nil || !again {
			return err
		}
	}
	return err
}

func (r *registry) once(method, path string, body []byte, answer any) (again bool, err error) {
	q, err := http.NewRequestWithContext(context.Background(), method, r.base+path, bytes.NewReader(body))
	if err != nil {
		return false, err
	}
	q.Header.Set("Accept", "application/vnd.schemaregistry.v1+json, application/json")
	q.Header.Set("Content-Type", "application/vnd.schemaregistry.v1+json")
	r.auth(q)
	a, err := r.client.Do(q)
	if err != nil {
		return true, fmt.Errorf("schema registry %s: %w", r.base, err)
	}
	defer a.Body.Close()
	text, err := io.ReadAll(io.LimitReader(a.Body, maxAnswer))
	if err != nil {
		return true, fmt.Errorf("schema registry %s: %w", r.base, err)
	}
	switch {
	case a.StatusCode == http.StatusNotFound:
		return false, fmt.Errorf("%w (%s%s)", errUnknown, r.base, path)
	case a.StatusCode == http.StatusUnauthorized || a.StatusCode == http.StatusForbidden:
		return false, fmt.Errorf("schema registry %s: %s; see the basic-auth and bearer-auth options", r.base, a.Status)
	case a.StatusCode >= 300:
		return a.StatusCode >= 500 || a.StatusCode == http.StatusTooManyRequests, fmt.Errorf("schema registry %s: %s: %s", r.base, a.Status, text[:min(len(text), 300)])
	}
	if err := json.Unmarshal(text, answer); err != nil {
		return false, fmt.Errorf("schema registry %s: %w", r.base, err)
	}
	return false, nil
}
