package kafka

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	kafkago "github.com/segmentio/kafka-go"
)

// lost is an error that was waited out without success.
type lost struct {
	after time.Duration
	err   error
}

func (l *lost) Error() string {
	if l.after == 0 {
		return l.err.Error()
	}
	return fmt.Sprintf("tried again for %s: %v", l.after.Round(time.Second), l.err)
}
func (l *lost) Unwrap() error { return l.err }

// untrusted says that the broker's certificate was refused.
func untrusted(err error) bool {
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	var verify *tls.CertificateVerificationError
	return errors.As(err, &unknown) || errors.As(err, &host) || errors.As(err, &invalid) || errors.As(err, &verify)
}

// explain makes of a client's error what its user can act on: what was being done,
// where, and what to do.
func (c *client) explain(doing string, err error) error {
	var done *failure
	if err == nil || errors.As(err, &done) {
		return err
	}
	hint := ""
	var code kafkago.Error
	var dial *net.OpError
	switch {
	case errors.As(err, &code):
		switch code {
		case kafkago.SASLAuthenticationFailed:
			hint = "the broker refuses the user or the password: look at 'properties.sasl.jaas.config' and 'properties.sasl.mechanism'"
		case kafkago.UnsupportedSASLMechanism:
			hint = "the broker doesn't offer 'properties.sasl.mechanism' on this port"
		case kafkago.TopicAuthorizationFailed:
			hint = "the user may not: it needs the topic's READ (source) or WRITE (sink) and DESCRIBE in the broker's ACLs"
		case kafkago.GroupAuthorizationFailed:
			hint = fmt.Sprintf("the user may not use group %q ('properties.group.id'): it needs the group's READ in the broker's ACLs", c.props.text("group.id"))
		case kafkago.TransactionalIDAuthorizationFailed:
			hint = "the user may not use transactions that begin with 'sink.transactional-id-prefix': it needs WRITE and DESCRIBE for them in the broker's ACLs"
		case kafkago.ClusterAuthorizationFailed:
			hint = "the user may not write idempotently: it needs the cluster's IDEMPOTENT_WRITE in the broker's ACLs, or set 'properties.enable.idempotence' = 'false'"
		case kafkago.UnknownTopicOrPartition:
			hint = "there is no such topic: create it, or look at 'topic'"
		case kafkago.MessageSizeTooLarge, kafkago.RecordListTooLarge:
			hint = "the topic's max.message.bytes is smaller than this record batch: raise it there, or lower 'properties.max.request.size'"
		case kafkago.InvalidTransactionTimeout:
			hint = "'properties.transaction.timeout.ms' is more than the broker's transaction.max.timeout.ms allows"
		case kafkago.InvalidProducerEpoch, kafkago.ProducerFenced:
			hint = "another writer has taken this transactional id: is the job running twice, or do two sinks share one 'sink.transactional-id-prefix'?"
		case kafkago.InvalidRecord:
			hint = "the topic refuses the record; a compacted topic takes no records without a key"
		}
	case untrusted(err):
		hint = "the broker's certificate isn't trusted: name its authority in 'properties.ssl.truststore.location' (type PEM)"
	case errors.As(err, &dial) && dial.Op == "dial":
		hint = "no broker answers there: is it running, and is 'properties.bootstrap.servers' right?"
	case errors.Is(err, context.DeadlineExceeded):
		hint = "no answer in time; a port that expects TLS or SASL doesn't answer a plain client: look at 'properties.security.protocol'"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), strings.Contains(err.Error(), "connection reset"), strings.Contains(err.Error(), "tls:"):
		hint = "the broker closed the connection; if this is its first answer, 'properties.security.protocol' may not be the port's"
	}
	return &failure{where: "kafka " + c.servers, doing: doing, err: err, hint: hint}
}

// failure is an error in words.
type failure struct {
	where, doing string
	err          error
	hint         string
}

func (f *failure) Error() string {
	s := fmt.Sprintf("%s: %s: %v", f.where, f.doing, f.err)
	if f.hint != "" {
		s += " (" + f.hint + ")"
	}
	return s
}
func (f *failure) Unwrap() error { return f.err }
