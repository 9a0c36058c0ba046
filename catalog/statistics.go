package catalog

import "slices"

// Statistics are what ANALYZE TABLE has counted of a table, for the order of joins
// in batch mode. They say what was so then.
type Statistics struct {
	Rows    int64
	Columns []ColumnStatistics `json:",omitempty"` // of those that were asked for
	// Partitions are those that were counted alone. Summed: Rows and Columns are no more
	// than what they come to.
	Partitions []PartitionStatistics `json:",omitempty"`
	Summed     bool                  `json:",omitempty"`
}

// PartitionStatistics are those of a partition: Values are texts, in the order of
// PARTITIONED BY.
type PartitionStatistics struct {
	Values  []string
	Rows    int64
	Columns []ColumnStatistics `json:",omitempty"`
}

// With is the statistics with partitions that were counted now, in place of those that
// have the values of given (nil: any value), which may be nil itself.
func (s *Statistics) With(given []*string, counted []PartitionStatistics) *Statistics {
	out := &Statistics{Summed: true}
	if s != nil {
		*out = *s
	}
	out.Partitions = nil
	if s != nil {
		for _, p := range s.Partitions {
			for i, v := range given {
				if v != nil && *v != p.Values[i] {
					out.Partitions = append(out.Partitions, p)
					break
				}
			}
		}
	}
	out.Partitions = append(out.Partitions, counted...)
	if out.Summed {
		out.sum()
	}
	return out
}

// sum takes rows and columns from the partitions: of a column there are at least as many
// values as in the partition that has most.
func (s *Statistics) sum() {
	s.Rows, s.Columns = 0, nil
	for _, p := range s.Partitions {
		s.Rows += p.Rows
		for _, c := range p.Columns {
			if x := s.Column(c.Name); x != nil {
				x.Nulls, x.Distinct = x.Nulls+c.Nulls, max(x.Distinct, c.Distinct)
				continue
			}
			s.Columns = append(s.Columns, c)
		}
	}
}

// Partition is the partition of the values, nil when it wasn't counted alone.
func (s *Statistics) Partition(values []string) *PartitionStatistics {
	for i := range s.Partitions {
		if slices.Equal(s.Partitions[i].Values, values) {
			return &s.Partitions[i]
		}
	}
	return nil
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
