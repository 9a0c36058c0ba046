package cdcjson

import (
	"fmt"

	"github.com/millrace/millrace/batch"
)

// Members of an Oracle GoldenGate envelope.
const (
	oggBefore = iota
	oggAfter
	oggType
	oggTable
	oggKeys
	oggTime
	oggEvent
)

// Ogg is ogg-json.
var Ogg = (&dialect{
	name: "ogg-json", title: "Ogg",
	members: []string{"before", "after", "op_type", "table", "primary_keys", "current_ts", "op_ts"},
	rows:    oggRows,
	meta: map[string]metadata{
		"table":               {t: textType, member: oggTable},
		"primary-keys":        {t: texts, member: oggKeys, as: asTexts},
		"ingestion-timestamp": {t: ltz6, member: oggTime, as: asTime},
		"event-timestamp":     {t: ltz6, member: oggEvent, as: asTime},
	},
	insert: [2]string{`{"before":null,"after":`, `,"op_type":"I"}`},
	delete: [2]string{`{"before":`, `,"after":null,"op_type":"D"}`},
}).format("Change events of Oracle GoldenGate.")

func oggRows(d *decoder, e *envelope) error {
	kind, ok := e.text(oggType)
	if !ok {
		return fmt.Errorf("the message has no \"op_type\"")
	}
	switch kind {
	case "I":
		return d.image(e, oggAfter, batch.Insert, "")
	case "U":
		return d.update(e, oggBefore, oggAfter)
	case "D":
		return d.image(e, oggBefore, batch.Delete, "DELETE")
	}
	return fmt.Errorf("Unknown \"op_type\" value %q", kind)
}
