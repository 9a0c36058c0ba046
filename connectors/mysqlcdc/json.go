package mysqlcdc

import (
	"bytes"
	"sort"
)

// normalJSON writes JSON as MySQL shows it: a blank behind each comma and colon, the
// members of an object by the length of their names, then by their bytes. The log's
// decoder orders them otherwise and leaves the blanks out. Text that isn't JSON stays
// as it is.
func normalJSON(s []byte) []byte {
	out, rest, ok := jsonValue(make([]byte, 0, len(s)+16), bytes.TrimSpace(s), 0)
	if !ok || len(bytes.TrimSpace(rest)) > 0 {
		return s
	}
	return out
}

const maxDepth = 200

func jsonValue(out, s []byte, depth int) (to, rest []byte, ok bool) {
	s = bytes.TrimLeft(s, " \t\r\n")
	if len(s) == 0 || depth > maxDepth {
		return out, s, false
	}
	switch s[0] {
	case '{', '[':
		object := s[0] == '{'
		shut := byte(']')
		if object {
			shut = '}'
		}
		type member struct{ name, text []byte }
		var members []member
		open := s[0]
		s = bytes.TrimLeft(s[1:], " \t\r\n")
		for len(s) > 0 && s[0] != shut {
			var m member
			if object {
				if m.name, s, ok = jsonString(s); !ok {
					return out, s, false
				}
				if s = bytes.TrimLeft(s, " \t\r\n"); len(s) == 0 || s[0] != ':' {
					return out, s, false
				}
				s = s[1:]
			}
			if m.text, s, ok = jsonValue(nil, s, depth+1); !ok {
				return out, s, false
			}
			members = append(members, m)
			if s = bytes.TrimLeft(s, " \t\r\n"); len(s) > 0 && s[0] == ',' {
				s = bytes.TrimLeft(s[1:], " \t\r\n")
			}
		}
		if len(s) == 0 {
			return out, s, false
		}
		if object {
			sort.SliceStable(members, func(i, j int) bool {
				a, b := members[i].name, members[j].name
				if len(a) != len(b) {
					return len(a) < len(b)
				}
				return bytes.Compare(a, b) < 0
			})
		}
		out = append(out, open)
		for i, m := range members {
			if i > 0 {
				out = append(out, ", "...)
			}
			if object {
				out = append(append(out, m.name...), ": "...)
			}
			out = append(out, m.text...)
		}
		return append(out, shut), s[1:], true
	case '"':
		str, rest, ok := jsonString(s)
		return append(out, str...), rest, ok
	}
	i := 0
	for i < len(s) && bytes.IndexByte([]byte(",]} \t\r\n:"), s[i]) < 0 {
		i++
	}
	return append(out, s[:i]...), s[i:], i > 0
}

// jsonString is the string at the front of s, with its quotes.
func jsonString(s []byte) (str, rest []byte, ok bool) {
	if len(s) == 0 || s[0] != '"' {
		return nil, s, false
	}
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return s[:i+1], s[i+1:], true
		}
	}
	return nil, s, false
}
