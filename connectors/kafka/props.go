package kafka

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"

	"github.com/millrace/millrace/formats"
)

// props are the table's properties.* without that prefix: the Kafka client's own
// settings. Those with a meaning here are in known; others, like the Java client's
// buffers, change nothing.
type props map[string]string

// known are the properties that do something, with the Kafka client's defaults.
var known = map[string]string{
	"security.protocol": "PLAINTEXT", "sasl.mechanism": "GSSAPI", "ssl.truststore.type": "JKS", "ssl.keystore.type": "JKS",
	"ssl.endpoint.identification.algorithm": "https",
	requestTimeout:                          "30000", patience: "60000", deliveryTimeout: "120000",
	"fetch.min.bytes": "1", "fetch.max.wait.ms": "500", "max.partition.fetch.bytes": "1048576", "fetch.max.bytes": "52428800", "isolation.level": "read_uncommitted", "auto.offset.reset": "",
	"acks": "all", "compression.type": "none", "enable.idempotence": "true", "max.request.size": "1000000", "transaction.timeout.ms": "",
}

func propsOf(v formats.Values) props {
	p := props{}
	for k, x := range v.Set {
		if name, ok := strings.CutPrefix(k, "properties."); ok {
			p[name] = x
		}
	}
	return p
}

func (p props) text(name string) string {
	if x, ok := p[name]; ok {
		return strings.TrimSpace(x)
	}
	return known[name]
}

func (p props) int(name string) int64 {
	n, _ := strconv.ParseInt(p.text(name), 10, 64)
	return n
}

func (p props) duration(name string) time.Duration {
	return time.Duration(p.int(name)) * time.Millisecond
}

// check refuses what can't be read.
func (p props) check() error {
	for _, n := range []string{requestTimeout, patience, deliveryTimeout, "fetch.min.bytes", "fetch.max.wait.ms", "max.partition.fetch.bytes", "fetch.max.bytes", "max.request.size", "transaction.timeout.ms"} {
		if x := p.text(n); x != "" {
			if v, err := strconv.ParseInt(x, 10, 32); err != nil || v < 0 {
				return fmt.Errorf("option 'properties.%s' is %q; expected a whole number", n, x)
			}
		}
	}
	for n, values := range map[string][]string{
		"isolation.level": {"read_uncommitted", "read_committed"}, "auto.offset.reset": {"", "earliest", "latest", "none"}, "acks": {"all", "-1", "0", "1"},
		"compression.type": {"none", "gzip", "snappy", "lz4", "zstd"}, "enable.idempotence": {"true", "false"},
		"security.protocol": {"PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"},
	} {
		if x := p.text(n); !contains(values, x) {
			return fmt.Errorf("option 'properties.%s' is %q; it can be %s", n, x, strings.Join(values, ", "))
		}
	}
	if p.text("bootstrap.servers") == "" {
		return errors.New("option 'properties.bootstrap.servers' is missing: the brokers' addresses, host:port,host:port")
	}
	for _, a := range strings.Split(p.text("bootstrap.servers"), ",") {
		if i := strings.LastIndexByte(a, ':'); i <= 0 {
			return fmt.Errorf("option 'properties.bootstrap.servers': %q isn't host:port", a)
		}
	}
	_, err := p.security()
	return err
}

func contains(list []string, x string) bool {
	for _, y := range list {
		if x == y {
			return true
		}
	}
	return false
}

// compression is the number of compression.type in record batches.
func (p props) compression() int8 {
	for i, n := range []string{"none", "gzip", "snappy", "lz4", "zstd"} {
		if p.text("compression.type") == n {
			return int8(i)
		}
	}
	return 0
}

func (p props) acks() kafkago.RequiredAcks {
	switch p.text("acks") {
	case "0":
		return kafkago.RequireNone
	case "1":
		return kafkago.RequireOne
	}
	return kafkago.RequireAll
}

// security is how connections are secured.
type security struct {
	tls  *tls.Config
	sasl sasl.Mechanism
}

func (p props) security() (s security, err error) {
	protocol := p.text("security.protocol")
	if strings.HasSuffix(protocol, "SSL") {
		if s.tls, err = p.tls(); err != nil {
			return s, err
		}
	}
	if strings.HasPrefix(protocol, "SASL") {
		s.sasl, err = p.login()
	}
	return s, err
}

var jaas = regexp.MustCompile(`(?s)^\s*([\w.$]+)\s+(required|requisite|sufficient|optional)\s+(.*?);?\s*$`)
var jaasOption = regexp.MustCompile(`(\w+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([^\s;]+))`)

// login reads sasl.mechanism and sasl.jaas.config.
func (p props) login() (sasl.Mechanism, error) {
	mechanism, config := p.text("sasl.mechanism"), p.text("sasl.jaas.config")
	switch mechanism {
	case "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512":
	default:
		return nil, fmt.Errorf("not supported yet: 'properties.sasl.mechanism' = '%s'; there are PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512", mechanism)
	}
	m := jaas.FindStringSubmatch(config)
	if m == nil {
		return nil, errors.New(`option 'properties.sasl.jaas.config' can't be read; expected: CLASS required username="..." password="...";`)
	}
	values := map[string]string{}
	for _, o := range jaasOption.FindAllStringSubmatch(m[3], -1) {
		v := o[2] + o[3] + o[4]
		values[o[1]] = strings.NewReplacer(`\"`, `"`, `\'`, `'`, `\\`, `\`).Replace(v)
	}
	if values["username"] == "" {
		return nil, errors.New("option 'properties.sasl.jaas.config' has no username")
	}
	switch mechanism {
	case "SCRAM-SHA-256":
		return scram.Mechanism(scram.SHA256, values["username"], values["password"])
	case "SCRAM-SHA-512":
		return scram.Mechanism(scram.SHA512, values["username"], values["password"])
	}
	return plain.Mechanism{Username: values["username"], Password: values["password"]}, nil
}

// tls reads ssl.*: PEM files or texts; Java's key stores aren't read.
func (p props) tls() (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	ca, err := p.pem("truststore", "ssl.truststore.certificates")
	if err != nil {
		return nil, err
	}
	if ca != nil {
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(ca) {
			return nil, errors.New("'properties.ssl.truststore.location': no certificate is found in it")
		}
	}
	chain, err := p.pem("keystore", "ssl.keystore.certificate.chain")
	if err != nil {
		return nil, err
	}
	if chain != nil {
		if p.text("ssl.key.password") != "" {
			return nil, errors.New("not supported yet: 'properties.ssl.key.password'; give an unencrypted key")
		}
		key := chain
		if k := p.text("ssl.keystore.key"); k != "" {
			key = []byte(k)
		}
		pair, err := tls.X509KeyPair(chain, key)
		if err != nil {
			return nil, fmt.Errorf("'properties.ssl.keystore.location': %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	if p.text("ssl.endpoint.identification.algorithm") == "" { // any host, though a trusted certificate
		c.InsecureSkipVerify = true
		c.VerifyConnection = func(s tls.ConnectionState) error {
			o := x509.VerifyOptions{Roots: c.RootCAs, Intermediates: x509.NewCertPool()}
			for _, x := range s.PeerCertificates[1:] {
				o.Intermediates.AddCert(x)
			}
			_, err := s.PeerCertificates[0].Verify(o)
			return err
		}
	}
	return c, nil
}

// pem is a store's text: given directly, or in a file.
func (p props) pem(store, direct string) ([]byte, error) {
	location := p.text("ssl." + store + ".location")
	text := p.text(direct)
	if location == "" && text == "" {
		return nil, nil
	}
	if kind := p.text("ssl." + store + ".type"); kind != "PEM" {
		return nil, fmt.Errorf("not supported yet: a %s of type %s; convert it to PEM and set 'properties.ssl.%s.type' = 'PEM'", store, kind, store)
	}
	if text != "" {
		return []byte(text), nil
	}
	b, err := os.ReadFile(location)
	if err != nil {
		return nil, fmt.Errorf("'properties.ssl.%s.location': %w", store, err)
	}
	return b, nil
}
