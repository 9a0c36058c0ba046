package confluent

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/formats/avro"
	"github.com/millrace/millrace/formats/formattest"
	"github.com/millrace/millrace/types"
)

// server is a schema registry.
type server struct {
	mu      sync.Mutex
	schemas []string
	asked   int
	fail    int // calls that are answered with 503
	auth    string
	subject string
	refuses bool // any further schema
}

func (s *server) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	s.auth = q.Header.Get("Authorization")
	if s.fail > 0 {
		s.fail--
		w.WriteHeader(503)
		return
	}
	var id int
	switch {
	case strings.HasPrefix(q.URL.Path, "/compatibility/"):
		if len(s.schemas) == 0 {
			w.WriteHeader(404)
			return
		}
		fmt.Fprintf(w, `{"is_compatible":%t,"messages":["no"]}`, !s.refuses)
	case strings.HasSuffix(q.URL.Path, "/versions/latest"):
		if len(s.schemas) == 0 {
			w.WriteHeader(404)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"schema": s.schemas[len(s.schemas)-1], "version": len(s.schemas)})
	case q.Method == "POST":
		s.subject = strings.TrimSuffix(strings.TrimPrefix(q.URL.Path, "/subjects/"), "/versions")
		var body struct{ Schema string }
		text, _ := io.ReadAll(q.Body)
		if err := json.Unmarshal(text, &body); err != nil {
			w.WriteHeader(422)
			return
		}
		if id = slices.Index(s.schemas, body.Schema); id < 0 {
			s.schemas = append(s.schemas, body.Schema)
			id = len(s.schemas) - 1
		}
		fmt.Fprintf(w, `{"id":%d}`, id)
	case strings.HasPrefix(q.URL.Path, "/schemas/ids/"):
		if _, err := fmt.Sscan(strings.TrimPrefix(q.URL.Path, "/schemas/ids/"), &id); err != nil || id >= len(s.schemas) {
			w.WriteHeader(404)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]string{"schema": s.schemas[id]})
	default:
		w.WriteHeader(404)
	}
}

func start(t *testing.T) (*server, map[string]string) {
	s := &server{}
	h := httptest.NewServer(s)
	t.Cleanup(h.Close)
	return s, map[string]string{"url": h.URL, "subject": "t/é-value"}
}

func spec(s *types.Schema, f *formats.Format, set map[string]string) formats.Spec {
	return formats.Spec{Schema: s, Full: s, Options: formats.Values{Set: set, Declared: f.Options}}
}

func decode(t *testing.T, f *formats.Format, s formats.Spec, msgs []formats.Message) (*batch.Batch, []string, error) {
	d, err := f.Decoder(s)
	if err != nil {
		t.Fatal(err)
	}
	var b batch.Batch
	var bad []string
	b.Reset(s.Schema.Types())
	err = d.Decode(formats.Input{Messages: msgs}, &b, func(_ formats.Message, err error) error { bad = append(bad, err.Error()); return nil })
	return &b, bad, err
}

func TestRoundTrip(t *testing.T) {
	reg, options := start(t)
	s := formattest.Schema(formattest.Everything()...)
	rows := formattest.Batch(rand.New(rand.NewSource(1)), s, 200)
	want := formattest.Rows(s, rows)
	e, err := Avro.Encoder(spec(s, Avro, options))
	if err != nil {
		t.Fatal(err)
	}
	msgs, err := e.Encode(rows, nil)
	if err != nil {
		t.Fatal(err)
	}
	if msgs[0].Value[0] != 0 || reg.subject != "t/é-value" {
		t.Errorf("%x under %q", msgs[0].Value[:5], reg.subject)
	}
	b, bad, err := decode(t, Avro, spec(s, Avro, options), msgs)
	if err != nil || len(bad) > 0 || !slices.Equal(formattest.Rows(s, b), want) {
		t.Fatalf("%d rows, %v, %v", b.Len, bad, err)
	}
	if reg.asked != 2 {
		t.Errorf("%d calls", reg.asked)
	}
}

// Messages of several schemas, one of them newer than the table.
func TestEvolution(t *testing.T) {
	reg, options := start(t)
	now := types.NewSchema(types.Field{Name: "id", Type: types.IntType}, types.Field{Name: "s", Type: types.StringType})
	then := types.NewSchema(types.Field{Name: "more", Type: types.ArrayOf(types.IntType)}, types.Field{Name: "id", Type: types.BigIntType})
	var msgs []formats.Message
	for _, s := range []*types.Schema{now, then} {
		w, err := avro.SchemaOf(s, true)
		if err != nil {
			t.Fatal(err)
		}
		reg.schemas = append(reg.schemas, w.String())
	}
	for _, s := range []*types.Schema{now, then, now} {
		e, err := Avro.Encoder(spec(s, Avro, options))
		if err != nil {
			t.Fatal(err)
		}
		m, err := e.Encode(formattest.Batch(rand.New(rand.NewSource(4)), s, 2), nil)
		if err != nil {
			t.Fatal(err)
		}
		msgs = append(msgs, m...)
	}
	msgs = append(msgs, formats.Message{Value: []byte{0, 0, 0, 0, 99, 1}}, formats.Message{Value: []byte{1, 2}}, formats.Message{}, formats.Message{Value: []byte{0, 0, 0, 0, 99, 1}})
	reg.fail = 2 // passes
	b, bad, err := decode(t, Avro, spec(types.NewSchema(types.Field{Name: "s", Type: types.StringType}, types.Field{Name: "id", Type: types.BigIntType}), Avro, options), msgs)
	if err != nil || b.Len != 6 || len(bad) != 3 || !strings.Contains(bad[0], "schema 99") {
		t.Fatalf("%d rows, %q, %v", b.Len, bad, err)
	}
	if !b.Cols[0].Null(2) || !b.Cols[0].Null(3) {
		t.Error("a column that wasn't written isn't NULL")
	}
}

func TestDebezium(t *testing.T) {
	_, options := start(t)
	s := types.NewSchema(types.Field{Name: "id", Type: types.IntType.NotNullable()}, types.Field{Name: "s", Type: types.StringType})
	rows := formattest.Batch(rand.New(rand.NewSource(1)), s, 70)
	for i := range rows.Len {
		rows.Kinds = append(rows.Kinds, batch.Kind(i%4))
	}
	e, err := Debezium.Encoder(spec(s, Debezium, options))
	if err != nil {
		t.Fatal(err)
	}
	msgs, err := e.Encode(rows, nil)
	if err != nil {
		t.Fatal(err)
	}
	b, bad, err := decode(t, Debezium, spec(s, Debezium, options), msgs)
	if err != nil || len(bad) > 0 || !slices.Equal(formattest.Rows(s, b), formattest.Rows(s, rows)) {
		t.Fatalf("%d rows, %v, %v", b.Len, bad, err)
	}
	for i := range b.Len {
		if want := map[int8]batch.Kind{1: batch.Insert, -1: batch.Delete}[rows.Kind(i).Sign()]; b.Kind(i) != want {
			t.Errorf("row %d is %s, want %s", i, b.Kind(i), want)
		}
	}
	// an update, and one without its old row
	env := envelope(s)
	ev := formattest.Batch(rand.New(rand.NewSource(2)), env, 40)
	for i := range ev.Len {
		if !ev.Cols[2].Null(i) {
			ev.Cols[2].SetString(i, "u")
		}
	}
	w, err := Avro.Encoder(spec(env, Avro, options))
	if err != nil {
		t.Fatal(err)
	}
	if msgs, err = w.Encode(ev, nil); err != nil {
		t.Fatal(err)
	}
	b, bad, err = decode(t, Debezium, spec(s, Debezium, options), msgs)
	updates := 0
	for i := range ev.Len {
		if !ev.Cols[0].Null(i) && !ev.Cols[1].Null(i) && !ev.Cols[2].Null(i) {
			updates++
		}
	}
	if err != nil || b.Len != 2*updates || len(bad) != ev.Len-updates || b.Kind(0) != batch.UpdateBefore || b.Kind(1) != batch.UpdateAfter {
		t.Errorf("%d rows of %d updates, %d bad, %v", b.Len, updates, len(bad), err)
	}
}

func TestFaults(t *testing.T) {
	reg, options := start(t)
	s := types.NewSchema(types.Field{Name: "id", Type: types.IntType})
	with := func(kv ...string) map[string]string {
		m := map[string]string{}
		for k, v := range options {
			m[k] = v
		}
		for i := 0; i < len(kv); i += 2 {
			m[kv[i]] = kv[i+1]
		}
		return m
	}
	for _, c := range []struct {
		set  map[string]string
		want string
	}{
		{with("url", ""), "needs 'avro-confluent.url'"},
		{with("url", "ftp://x"), "must be http://host:port"},
		{with("subject", ""), "Option 'avro-confluent.subject' is required"},
		{with("basic-auth.credentials-source", "SASL"), "can be URL or USER_INFO"},
		{with("schema", "{"), "avro-confluent.schema"},
		{with("schema", `{"type":"record","name":"r","fields":[{"name":"other","type":["null","int"]}]}`), `field "other" of the record is column "id"`},
		{with("ssl.truststore.location", "confluent_test.go"), "isn't a PEM file"},
	} {
		if _, err := Avro.Encoder(spec(s, Avro, c.set)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v", c.set, err)
		}
	}
	given := `{"type":"record","name":"r","doc":"mine","fields":[{"name":"id","type":["null","int"]}]}`
	e, err := Avro.Encoder(spec(s, Avro, with("schema", given, "basic-auth.credentials-source", "USER_INFO", "basic-auth.user-info", "u:p")))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Encode(formattest.Batch(rand.New(rand.NewSource(1)), s, 1), nil); err != nil || reg.schemas[0] != given || reg.auth != "Basic dTpw" {
		t.Errorf("%v %q %q", err, reg.schemas, reg.auth)
	}
	// no registry: the job fails, the message isn't called bad
	_, bad, err := decode(t, Avro, spec(s, Avro, with("url", "http://127.0.0.1:1")), []formats.Message{{Value: []byte{0, 0, 0, 0, 1, 0}}})
	if err == nil || len(bad) > 0 {
		t.Errorf("%v %v", err, bad)
	}
}

// TestProbe: a dry run compares the newest schema with the columns and registers none.
func TestProbe(t *testing.T) {
	reg, options := start(t)
	table := types.NewSchema(types.Field{Name: "id", Type: types.BigIntType}, types.Field{Name: "name", Type: types.StringType})
	other := types.NewSchema(types.Field{Name: "id", Type: types.BigIntType}, types.Field{Name: "name", Type: types.BooleanType})
	read := func(s *types.Schema) (string, error) {
		t.Helper()
		d, err := Avro.Decoder(spec(s, Avro, options))
		if err != nil {
			t.Fatal(err)
		}
		return d.(formats.Prober).Probe()
	}
	write := func(s *types.Schema) (string, error) {
		t.Helper()
		e, err := Avro.Encoder(spec(s, Avro, options))
		if err != nil {
			t.Fatal(err)
		}
		return e.(formats.Prober).Probe()
	}
	says := func(got string, err error, want string) {
		t.Helper()
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
	got, err := read(table)
	says(got, err, "it has no subject")
	got, err = write(table)
	says(got, err, "it will be registered")
	if len(reg.schemas) > 0 {
		t.Fatal("a dry run has registered a schema")
	}
	e, err := Avro.Encoder(spec(table, Avro, options))
	if err != nil {
		t.Fatal(err)
	}
	rows := formattest.Batch(rand.New(rand.NewSource(1)), table, 1)
	if _, err := e.Encode(rows, nil); err != nil {
		t.Fatal(err)
	}
	got, err = read(table)
	says(got, err, "version 1 of subject")
	if got, err = read(other); err == nil {
		t.Errorf("a column of another type: %s", got)
	}
	says(got, err, "the newest schema of subject")
	got, err = write(table)
	says(got, err, "takes the columns")
	reg.refuses = true
	if got, err = write(other); err == nil {
		t.Errorf("refused by the registry: %s", got)
	}
	says(got, err, "refuses the table's columns")
	options = map[string]string{"url": "http://127.0.0.1:1", "subject": "s"}
	if got, err = read(table); err == nil {
		t.Errorf("no registry: %s", got)
	}
}
