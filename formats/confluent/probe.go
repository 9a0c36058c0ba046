package confluent

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/millrace/millrace/formats/avro"
)

// Probe compares the newest schema of the subject with the columns.
func (r *reader) Probe() (seen string, err error) {
	if r.subject == "" {
		var subjects []string
		if err := r.registry.call(http.MethodGet, "/subjects", nil, &subjects); err != nil {
			return "", err
		}
		return fmt.Sprintf("schema registry %s answers", r.registry.base), nil
	}
	text, version, err := r.registry.latest(r.subject)
	if errors.Is(err, errUnknown) {
		return fmt.Sprintf("schema registry %s answers; it has no subject %q yet", r.registry.base, r.subject), nil
	}
	var written *avro.Schema
	if err == nil {
		written, err = avro.Parse([]byte(text))
	}
	if err == nil {
		_, err = avro.NewPlan(written, r.want)
	}
	if err != nil {
		return "", fmt.Errorf("the newest schema of subject %q: %w", r.subject, err)
	}
	return fmt.Sprintf("schema registry %s answers; version %d of subject %q can be read as the columns", r.registry.base, version, r.subject), nil
}

// Probe asks whether the registry would take the schema.
func (w *writer) Probe() (seen string, err error) {
	body, err := json.Marshal(map[string]string{"schema": w.text})
	if err != nil {
		return "", err
	}
	var answer struct {
		OK       bool     `json:"is_compatible"`
		Messages []string `json:"messages"`
	}
	err = w.registry.call(http.MethodPost, "/compatibility/subjects/"+url.PathEscape(w.subject)+"/versions/latest?verbose=true", body, &answer)
	switch {
	case errors.Is(err, errUnknown):
		return fmt.Sprintf("schema registry %s answers; it has no subject %q yet: it will be registered", w.registry.base, w.subject), nil
	case err != nil:
		return "", fmt.Errorf("whether the schema fits subject %q: %w", w.subject, err)
	case !answer.OK:
		return "", fmt.Errorf("schema registry %s refuses the table's columns as a new version of subject %q: %s", w.registry.base, w.subject, strings.Join(answer.Messages, "; "))
	}
	return fmt.Sprintf("schema registry %s answers and takes the columns as a version of subject %q", w.registry.base, w.subject), nil
}

// latest is the newest schema of a subject.
func (r *registry) latest(subject string) (text string, version int, err error) {
	var answer struct {
		Schema, SchemaType string
		Version            int
	}
	if err := r.call(http.MethodGet, "/subjects/"+url.PathEscape(subject)+"/versions/latest", nil, &answer); err != nil {
		return "", 0, err
	}
	if answer.SchemaType != "" && answer.SchemaType != "AVRO" {
		return "", 0, fmt.Errorf("it is %s, not Avro", answer.SchemaType)
	}
	return answer.Schema, answer.Version, nil
}
