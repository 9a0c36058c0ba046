package cdcjson

import (
	"fmt"

	"github.com/millrace/millrace/batch"
)

// Members of a Maxwell envelope.
const (
	maxwellData = iota
	maxwellOld
	maxwellType
	maxwellDatabase
	maxwellTable
	maxwellKeys
	maxwellTime
)

// Maxwell is maxwell-json.
var Maxwell = (&dialect{
	name: "maxwell-json", title: "Maxwell",
	members: []string{"data", "old", "type", "database", "table", "primary_key_columns", "ts"},
	rows:    maxwellRows,
	meta: map[string]metadata{
		"database":            {t: textType, member: maxwellDatabase},
		"table":               {t: textType, member: maxwellTable},
		"primary-key-columns": {t: texts, member: maxwellKeys, as: asTexts},
		"ingestion-timestamp": {t: ltz3, member: maxwellTime, as: asMillis},
	},
	insert: [2]string{`{"data":`, `,"type":"insert"}`},
	delete: [2]string{`{"data":`, `,"type":"delete"}`},
}).format("Change events of Maxwell.")

func maxwellRows(d *decoder, e *envelope) error {
	kind, ok := e.text(maxwellType)
	if !ok {
		return fmt.Errorf("the message has no \"type\"")
	}
	switch kind {
	case "insert":
		return d.image(e, maxwellData, batch.Insert, "")
	case "update":
		return d.changed(e.place(maxwellData), e.place(maxwellOld))
	case "delete":
		return d.image(e, maxwellData, batch.Delete, "")
	}
	return fmt.Errorf("Unknown \"type\" value %q", kind)
}
