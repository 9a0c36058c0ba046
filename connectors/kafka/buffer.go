package kafka

// buffer keeps the last record of each key.
type buffer struct {
	byKey map[string]int
	list  []buffered
}

type buffered struct {
	key, value []byte
	headers    []header
	time       int64
}

func newBuffer() *buffer { return &buffer{byKey: map[string]int{}} }

func (b *buffer) len() int { return len(b.list) }

// put copies a record, over an older one of its key.
func (b *buffer) put(key, value []byte, headers []header, at int64) {
	i, ok := b.byKey[string(key)]
	if !ok {
		i = len(b.list)
		if b.list = append(b.list, buffered{}); cap(b.list) > i {
			b.list[i].key = append(b.list[i].key[:0], key...)
		}
		b.byKey[string(b.list[i].key)] = i
	}
	e := &b.list[i]
	e.time, e.headers = at, nil
	if value == nil {
		e.value = nil
	} else {
		e.value = append(make([]byte, 0, len(value)), value...)
	}
	for _, h := range headers {
		e.headers = append(e.headers, header{append([]byte(nil), h.key...), append([]byte(nil), h.value...)})
	}
}

// drain gives the records, in the order in which their keys came, and forgets them.
func (b *buffer) drain(f func(key, value []byte, headers []header, at int64) error) error {
	for _, e := range b.list {
		if err := f(e.key, e.value, e.headers, e.time); err != nil {
			return err
		}
	}
	b.list = b.list[:0]
	clear(b.byKey)
	return nil
}
