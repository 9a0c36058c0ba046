package catalog

// Statistics are what ANALYZE TABLE has counted of a table, for the order of joins
// in batch mode. They say what was so then.
type Statistics struct {
	Rows    int64
	Columns []ColumnStatistics `json:",omitempty"` // of those that were asked for
}

// ColumnStatistics are those of a column.
type ColumnStatistics struct {
	Name     string
	Distinct int64 // different values, 0 where they can't be compared
	Nulls    int64
}

// Column is that of a name, nil when it wasn't counted.
func (s *Statistics) Column(name string) *ColumnStatistics {
	for i := range s.Columns {
		if s.Columns[i].Name == name {
			return &s.Columns[i]
		}
	}
	return nil
}
