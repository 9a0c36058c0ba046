package mysqlcdc

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/millrace/millrace/connectors/cdc"
)

// XA transactions stand in the log when they are prepared, and are committed, or not, by
// an event of their own, later. Those that change a captured table end the job at their
// first row. Of the others the reader keeps the names until they end; one that is
// committed and has no name here was prepared before the log was read, and may have
// changed captured tables.

// xaEnd finds the name in the statement that ends one: the server writes it as
// X'67747269',X'6271',1, the last two left out or not.
var xaEnd = regexp.MustCompile(`(?i)^\s*XA\s+(COMMIT|ROLLBACK)\s+X?'([^']*)'(?:\s*,\s*X?'([^']*)')?(?:\s*,\s*(\d+))?`)

// xid is a transaction's name in one form: format-global-branch, the two in hex.
func xid(format uint32, global, branch []byte) string {
	return fmt.Sprintf("%d-%s-%s", format, hex.EncodeToString(global), hex.EncodeToString(branch))
}

// preparedXID reads the event that ends a prepared part: one byte that says that it was
// committed at once, the format, the lengths of the two names, the names.
func preparedXID(body []byte) (name string, atOnce bool, err error) {
	const head = 13
	if len(body) < head {
		return "", false, fmt.Errorf("the log holds an XA PREPARE of %d bytes", len(body))
	}
	format, g, b := binary.LittleEndian.Uint32(body[1:]), uint64(binary.LittleEndian.Uint32(body[5:])), uint64(binary.LittleEndian.Uint32(body[9:]))
	if g > 64 || b > 64 || uint64(len(body)) < head+g+b {
		return "", false, fmt.Errorf("the log holds an XA PREPARE with names of %d and %d bytes in %d", g, b, len(body))
	}
	return xid(format, body[head:head+g], body[head+g:head+g+b]), body[0] != 0, nil
}

// prepare takes the event behind an XA transaction's changes.
func (l *logReader) prepare(ctx context.Context, body []byte, end uint64) error {
	name, atOnce, err := preparedXID(body)
	if err != nil {
		return err
	}
	if !atOnce && !slices.Contains(l.prepared, name) {
		l.prepared = append(l.prepared, name)
	}
	return l.commit(ctx, end)
}

// endXA takes XA COMMIT and XA ROLLBACK.
func (l *logReader) endXA(ctx context.Context, query []byte, end uint64) error {
	m := xaEnd.FindSubmatch(query)
	if m == nil {
		return fmt.Errorf("not supported yet: XA transactions (the log holds %q)", clip(string(query)))
	}
	format := uint32(1)
	if len(m[4]) > 0 {
		if _, err := fmt.Sscan(string(m[4]), &format); err != nil {
			return fmt.Errorf("not supported yet: XA transactions (the log holds %q)", clip(string(query)))
		}
	}
	global, err1 := hex.DecodeString(string(m[2]))
	branch, err2 := hex.DecodeString(string(m[3]))
	if err1 != nil || err2 != nil {
		global, branch = m[2], m[3]
	}
	name := xid(format, global, branch)
	i := slices.Index(l.prepared, name)
	if i < 0 && bytes.EqualFold(m[1], []byte("COMMIT")) {
		return fmt.Errorf("%s: not supported yet: XA transactions: %s commits one that was prepared before this reader came to the log, so whether it changed the captured tables can't be known, and its rows would be missing; start anew without the state, the snapshot then has them", l.server, clip(string(query)))
	}
	if i >= 0 {
		l.prepared = slices.Delete(l.prepared, i, i+1)
	}
	return l.commit(ctx, end)
}

// at is a mark with what is known beside the place.
func (l *logReader) at(p cdc.Pos) cdc.Mark {
	return cdc.Mark{Pos: p, Done: l.done, Prepared: strings.Join(l.prepared, " ")}
}

// within is a mark in the open transaction.
func (l *logReader) within(images int) cdc.Mark {
	m := l.at(l.begin)
	m.Images, m.Txn = images, l.txn()
	return m
}
