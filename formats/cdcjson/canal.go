package cdcjson

import (
	"fmt"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/formats"
)

// Members of a Canal envelope.
const (
	canalData = iota
	canalOld
	canalType
	canalDatabase
	canalTable
	canalSQLType
	canalKeys
	canalTime
	canalEvent
)

// Canal is canal-json.
var Canal = (&dialect{
	name: "canal-json", title: "Canal",
	members: []string{"data", "old", "type", "database", "table", "sqlType", "pkNames", "ts", "es"},
	rows:    canalRows,
	meta: map[string]metadata{
		"database":            {t: textType, member: canalDatabase},
		"table":               {t: textType, member: canalTable},
		"sql-type":            {t: intMap, member: canalSQLType, as: asMap},
		"pk-names":            {t: texts, member: canalKeys, as: asTexts},
		"ingestion-timestamp": {t: ltz3, member: canalTime, as: asMillis},
		"event-timestamp":     {t: ltz3, member: canalEvent, as: asMillis},
	},
	insert: [2]string{`{"data":[`, `],"type":"INSERT"}`},
	delete: [2]string{`{"data":[`, `],"type":"DELETE"}`},
	options: []formats.Option{
		{Name: "database.include", Doc: "Reading: a regular expression; events of other databases are left out."},
		{Name: "table.include", Doc: "Reading: a regular expression; events of other tables are left out."},
	},
}).format("Change events of Canal.")

func canalRows(d *decoder, e *envelope) error {
	for k, member := range [...]int{canalDatabase, canalTable} {
		if re := d.include[k]; re != nil {
			if name, ok := e.text(member); !ok || !re.MatchString(name) {
				return nil
			}
		}
	}
	kind, ok := e.text(canalType)
	if !ok {
		return fmt.Errorf("the message has no \"type\"")
	}
	switch kind {
	case "CREATE":
		return nil
	case "INSERT":
		return d.images(e, canalData, -1, batch.Insert)
	case "UPDATE":
		return d.images(e, canalData, canalOld, batch.UpdateAfter)
	case "DELETE":
		return d.images(e, canalData, -1, batch.Delete)
	}
	return fmt.Errorf("Unknown \"type\" value %q", kind)
}
