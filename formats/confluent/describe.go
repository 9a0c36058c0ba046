package confluent

import (
	"fmt"

	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/formats/avro"
	"github.com/millrace/millrace/types"
)

// Describe makes columns of the newest schema of a subject, and says which format reads
// its messages: change events of Debezium are known by their fields.
func Describe(url, subject string) (format string, d *formats.Described, err error) {
	r, err := newRegistry(Avro.Name, formats.Values{Set: map[string]string{"url": url}, Declared: Avro.Options})
	if err != nil {
		return "", nil, err
	}
	text, _, err := r.latest(subject)
	if err != nil {
		return "", nil, fmt.Errorf("subject %q: %w", subject, err)
	}
	s, err := avro.Parse([]byte(text))
	if err == nil {
		d, err = avro.Describe(s)
	}
	if err != nil {
		return "", nil, fmt.Errorf("subject %q: %w", subject, err)
	}
	var before, after, op *types.Type
	for i, f := range d.Fields {
		switch t := &d.Fields[i].Type; f.Name {
		case "before":
			before = t
		case "after":
			after = t
		case "op":
			op = t
		}
	}
	if before != nil && after != nil && op != nil && after.IsRow() && op.IsString() {
		d.Fields = after.Fields
		return Debezium.Name, d, nil
	}
	return Avro.Name, d, nil
}
