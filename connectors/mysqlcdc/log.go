package mysqlcdc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"time"

	gomysql "github.com/go-mysql-org/go-mysql/mysql"
	"github.com/go-mysql-org/go-mysql/replication"

	"github.com/millrace/millrace/connectors/cdc"
	"github.com/millrace/millrace/connectors/sqldb"
)

// logReader reads the binary log, and begins again where it was when the connection
// is lost.
type logReader struct {
	*database
	out  chan<- cdc.Event
	mark cdc.Mark // of the next image to tell
	ids  map[uint64]*table

	set      gomysql.GTIDSet // the transactions before the open one; nil: not known
	done     string          // the same as text
	name     gtid            // of the open transaction
	starting bool            // the stream began at a set: where that is in the log isn't known yet
	again    bool            // it isn't the first connection
	xa       bool            // the open transaction is one of XA
	prepared []string        // XA transactions that have changed no captured table, not ended
	said     bool

	file    string
	begin   cdc.Pos // of the open transaction
	open    bool
	images  int // of the open transaction so far
	skip    int // of them were told before
	stamp   int64
	flowing bool // something came on this connection
}

// Log begins to read.
func (d *database) Log(ctx context.Context, from cdc.Mark) (<-chan cdc.Event, error) {
	out := make(chan cdc.Event, 1024)
	l := &logReader{database: d, out: out, mark: from}
	go func() {
		if err := l.run(ctx); err != nil && ctx.Err() == nil {
			l.tell(ctx, cdc.Event{Err: err})
		}
	}()
	return out, nil
}

func (l *logReader) tell(ctx context.Context, e cdc.Event) bool { return cdc.Tell(ctx, l.out, e) }

// run streams, again and again while connections are lost.
func (l *logReader) run(ctx context.Context) error {
	for tries := 0; ; tries++ {
		l.flowing = false
		err := l.stream(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err = l.reason(err); !lost(err) {
			return err
		}
		if l.flowing {
			tries = 0
		}
		if tries > l.retries {
			return fmt.Errorf("the log: given up after %d tries to connect again: %w", tries, err)
		}
		if !pause(ctx, tries+1) {
			return nil
		}
	}
}

// pause waits before the nth try, and answers false when ctx ends.
func pause(ctx context.Context, n int) bool {
	select {
	case <-time.After(200 * time.Millisecond << min(n-1, 5)):
		return true
	case <-ctx.Done():
		return false
	}
}

// errLost marks errors behind which the log can be read again.
type errLost struct{ error }

func lost(err error) bool {
	var e errLost
	return errors.As(err, &e)
}

// reason puts what the library or the server said in words.
func (l *logReader) reason(err error) error {
	var my *gomysql.MyError
	if errors.As(err, &my) {
		at := fmt.Sprintf("%s position %d", l.mark.File, l.mark.Off)
		if l.mark.File == "" {
			at = "GTIDs " + l.mark.Done
		}
		switch my.Code {
		case 1236:
			m := strings.ToLower(my.Message)
			switch {
			case strings.Contains(m, "could not find first log file"), strings.Contains(m, "purged"), strings.Contains(m, "slave state is too old"), strings.Contains(m, "could not find gtid state"), strings.Contains(m, "which is not in the master's binlog"):
				return &cdc.Purged{Err: fmt.Errorf("%s no longer has its log from %s on (%s)", l.server, at, my.Message)}
			case strings.Contains(m, "impossible position"), strings.Contains(m, "position > file size"):
				return &cdc.Purged{Err: fmt.Errorf("%s has no position %s in its log: it was reset or restored (%s)", l.server, at, my.Message)}
			case strings.Contains(m, "same server_uuid/server_id"), strings.Contains(m, "server id"):
				return l.sameID(my)
			}
			return fmt.Errorf("%s: the log from %s on: %s", l.server, at, my.Message)
		case 4052: // MariaDB's number for it
			return l.sameID(my)
		case 1045, 1227, 1142, 1698:
			return &sqldb.Fault{Kind: sqldb.Forbidden, Server: l.server, Err: err, Hint: "the user needs REPLICATION SLAVE"}
		}
	}
	var op net.Error
	switch {
	case errors.As(err, &op), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, gomysql.ErrBadConn),
		errors.Is(err, replication.ErrSyncClosed), strings.Contains(err.Error(), "connection was bad"), strings.Contains(err.Error(), "invalid connection"),
		strings.Contains(err.Error(), "EOF"), strings.Contains(err.Error(), "connection refused"), strings.Contains(err.Error(), "i/o timeout"):
		return errLost{&sqldb.Fault{Kind: sqldb.Lost, Server: l.server, Err: err}}
	case my != nil && (my.Code == 1053 || my.Code == 1158 || my.Code == 1159 || my.Code == 1160 || my.Code == 1161):
		return errLost{&sqldb.Fault{Kind: sqldb.Lost, Server: l.server, Err: err}}
	}
	return err
}

// sameID is what becomes of a reader whose id another one has shown to the server,
// which ends the older of the two. Were it to connect again, they would end each other
// in turn; a reader with a random id takes another one.
func (l *logReader) sameID(my *gomysql.MyError) error {
	if l.idHigh == 0 {
		return errLost{&sqldb.Fault{Kind: sqldb.Lost, Server: l.server, Err: my}}
	}
	return fmt.Errorf("%s ended this reader because another one, of this job or another program, has come with the same server-id %d: give each its own with 'server-id', a number that no replica and no other reader has (%s)", l.server, l.idLow, my.Message)
}

// stream reads until an error.
func (l *logReader) stream(ctx context.Context) error {
	flavor := "mysql"
	if l.maria {
		flavor = "mariadb"
	}
	if l.again { // another server may answer at the address
		if err := l.sameServer(ctx); err != nil {
			return err
		}
	}
	l.again = true
	heartbeat := max(l.heartbeat, time.Second)
	if l.starting = l.mark.File == ""; l.starting {
		heartbeat = time.Second // it tells where the set ends in the log
	}
	s := replication.NewBinlogSyncer(replication.BinlogSyncerConfig{
		ServerID: l.serverID(0), Flavor: flavor, Host: l.server.Host, Port: uint16(l.server.Port), User: l.server.User, Password: l.server.Password,
		Charset: "utf8mb4", TimestampStringLocation: time.UTC, HeartbeatPeriod: heartbeat, ReadTimeout: 3*heartbeat + 10*time.Second,
		DisableRetrySync: true, VerifyChecksum: true, DiscardGTIDSet: true, EventCacheCount: 1024, Logger: slog.New(slog.DiscardHandler),
	})
	defer s.Close()
	l.ids, l.open, l.skip, l.images, l.xa = map[uint64]*table{}, false, l.mark.Images, 0, false
	l.file, l.done, l.set, l.name, l.prepared = l.mark.File, l.mark.Done, nil, gtid{}, strings.Fields(l.mark.Prepared)
	var events *replication.BinlogStreamer
	var err error
	if l.done != "" {
		if l.set, err = gomysql.ParseGTIDSet(flavor, l.done); err != nil {
			return fmt.Errorf("the GTIDs %q to go on behind can't be read: %w", l.done, err)
		}
	}
	if l.starting {
		events, err = s.StartSyncGTID(l.set.Clone())
	} else {
		events, err = s.StartSync(gomysql.Position{Name: l.mark.File, Pos: uint32(l.mark.Off)})
	}
	if err != nil {
		return err
	}
	for {
		e, err := events.GetEvent(ctx)
		if err != nil {
			return err
		}
		if err := l.handle(ctx, e, uint64(e.Header.LogPos), uint64(e.Header.EventSize)); err != nil {
			return err
		}
	}
}

// handle takes an event that ends at a position.
func (l *logReader) handle(ctx context.Context, e *replication.BinlogEvent, end, size uint64) error {
	switch x := e.Event.(type) {
	case *replication.RotateEvent:
		l.file = string(x.NextLogName)
		if !l.open && !l.starting {
			return l.settled(ctx, place(l.file, x.Position))
		}
	case *replication.GTIDEvent:
		return l.start(end, size, int64(x.ImmediateCommitTimestamp/1000), e, nameOf(e, x))
	case *replication.GtidTaggedLogEvent:
		return l.start(end, size, int64(x.ImmediateCommitTimestamp/1000), e, nameOf(e, &x.GTIDEvent))
	case *replication.MariadbGTIDEvent:
		err := l.start(end, size, 0, e, gtid{maria: &x.GTID, text: x.GTID.String()})
		l.xa = x.Flags&preparedXA != 0
		return err
	case *replication.PreviousGTIDsEvent:
		if !l.starting {
			l.before(x.GTIDSets)
			return l.between(ctx, e, end)
		}
	case *replication.MariadbGTIDListEvent:
		if !l.starting && end > 0 {
			l.beforeMaria(x.GTIDs)
			return l.between(ctx, e, end)
		}
	case *replication.XIDEvent:
		return l.commit(ctx, end)
	case *replication.QueryEvent:
		return l.query(ctx, x, end)
	case *replication.RowsEvent:
		return l.rows(ctx, x)
	case *replication.TransactionPayloadEvent:
		for _, inner := range x.Events {
			if err := l.handle(ctx, inner, end, 0); err != nil {
				return err
			}
		}
	default:
		if e.Header.EventType == replication.XA_PREPARE_LOG_EVENT {
			g, _ := x.(*replication.GenericEvent)
			if g == nil {
				return errors.New("not supported yet: XA transactions")
			}
			return l.prepare(ctx, g.Data, end)
		}
		return l.between(ctx, e, end)
	}
	return nil
}

// preparedXA is the flag of a transaction of MariaDB that was prepared, not committed.
const preparedXA = 0x40

// between takes an event that may stand between transactions: a heartbeat, a list of
// GTIDs.
func (l *logReader) between(ctx context.Context, e *replication.BinlogEvent, end uint64) error {
	if l.open || end == 0 || l.file == "" || e.Header.EventType == replication.FORMAT_DESCRIPTION_EVENT {
		return nil
	}
	if l.starting { // the events before are those that the set holds
		if e.Header.EventType != replication.HEARTBEAT_EVENT && e.Header.EventType != replication.HEARTBEAT_LOG_EVENT_V2 {
			return nil
		}
		if l.mark.Images > 0 {
			return nil // the transaction that was told in part is still to come
		}
		l.starting = false
	}
	return l.settled(ctx, place(l.file, end))
}

// start opens a transaction.
func (l *logReader) start(end, size uint64, ms int64, e *replication.BinlogEvent, name gtid) error {
	l.finish() // one without an end of its own
	l.begin, l.open, l.images, l.flowing, l.xa = place(l.file, end-size), true, 0, true, false
	if l.stamp = ms; ms == 0 {
		l.stamp = int64(e.Header.Timestamp) * 1000
	}
	switch {
	case l.starting && l.mark.Images > 0:
		if l.mark.Txn != name.text {
			return fmt.Errorf("%s goes on with transaction %s, but the one that was taken up in part is %s: it has them in another order; start a new job", l.server, name.text, l.mark.Txn)
		}
	case l.begin != l.mark.Pos:
		l.skip = 0
	}
	l.starting, l.name = false, name
	l.mark = l.within(l.skip)
	return nil
}

// commit closes it.
func (l *logReader) commit(ctx context.Context, end uint64) error {
	l.open, l.skip, l.xa = false, 0, false
	l.finish()
	return l.settled(ctx, place(l.file, end))
}

// settled says that no transaction is open at a position.
func (l *logReader) settled(ctx context.Context, at cdc.Pos) error {
	if at.Before(l.mark.Pos) {
		return nil
	}
	if at != l.mark.Pos || l.mark.Images == 0 {
		l.mark = l.at(at)
	}
	m := l.mark
	l.tell(ctx, cdc.Event{Resume: &m, Reached: at})
	return ctx.Err()
}

// rows tells the changes of an event.
func (l *logReader) rows(ctx context.Context, e *replication.RowsEvent) error {
	t, ok := l.ids[e.TableID]
	if !ok {
		l.mu.Lock()
		t = l.tables[string(e.Table.Schema)+"."+string(e.Table.Table)]
		l.mu.Unlock()
		if of := l.shadowOf(string(e.Table.Schema), string(e.Table.Table)); of != "" && l.captured(string(e.Table.Schema), string(e.Table.Table)) {
			if name, _ := tool(string(e.Table.Table)); t == nil {
				return fmt.Errorf("%s.%s is the table that %s fills with the rows of %s, to take its place: they would come twice. 'scan.parse.online.schema.changes.enabled' = 'true' passes over such tables; or choose a 'table-name' that doesn't match it", e.Table.Schema, e.Table.Table, name, of)
			}
		}
		if t == nil && l.captured(string(e.Table.Schema), string(e.Table.Table)) {
			if l.added { // the reader finds it and reads its rows
				l.images += len(e.Rows)
				return nil
			}
			var err error
			if t, err = l.appeared(ctx, string(e.Table.Schema)+"."+string(e.Table.Table)); err != nil {
				return err
			}
		}
		if t != nil {
			var err error
			if t, err = l.fitting(ctx, t, e.Table); err != nil {
				return err
			}
		}
		if t != nil && !t.Def.Told && t.Def.Start == nil && l.begin.Before(t.Def.asof()) {
			x := t.Def
			x.Told = true
			if err := l.replace(ctx, x); err != nil {
				return err
			}
			l.mu.Lock()
			t = l.tables[x.DB+"."+x.Name]
			l.mu.Unlock()
		}
		l.ids[e.TableID] = t
	}
	if t == nil { // counted all the same: it may be captured when the transaction is read again
		l.images += len(e.Rows)
		return nil
	}
	if l.xa {
		return fmt.Errorf("%s: not supported yet: XA transactions (the log has its rows before they are committed)", t.ID)
	}
	step, kind := 1, cdc.Insert
	switch e.Type() {
	case replication.EnumRowsEventTypeUpdate:
		step, kind = 2, cdc.Update
	case replication.EnumRowsEventTypeDelete:
		kind = cdc.Delete
	case replication.EnumRowsEventTypeInsert:
	default:
		return fmt.Errorf("%s: the log holds a row event of an unknown kind", t.ID)
	}
	for i := 0; i+step <= len(e.Rows); i += step {
		c := &cdc.Change{Table: t.Table, Kind: kind, Time: l.stamp, At: l.within(l.images)}
		l.images += step
		if l.images <= l.skip || l.mode == "timestamp" && l.stamp < l.from {
			continue
		}
		if len(e.SkippedColumns) > i && len(e.SkippedColumns[i]) > 0 {
			return fmt.Errorf("%s: the log holds a row without all its columns: binlog_row_image has to be FULL, in every session", t.ID)
		}
		var err error
		switch {
		case kind == cdc.Insert:
			c.After, err = t.row(e.Rows[i])
		case kind == cdc.Delete:
			c.Before, err = t.row(e.Rows[i])
		default:
			if l.images-1 <= l.skip { // its first image was told
				c.At.Images++
			} else if c.Before, err = t.row(e.Rows[i]); err != nil {
				break
			}
			c.After, err = t.row(e.Rows[i+1])
		}
		if err != nil {
			return fmt.Errorf("%s at %s position %d: %w", t.ID, l.begin.File, l.begin.Off, err)
		}
		l.mark = l.within(l.images)
		if !l.tell(ctx, cdc.Event{Change: c}) {
			return ctx.Err()
		}
	}
	return nil
}

// row is a row's values as cells. Columns that nobody reads stay as they are.
func (t *table) row(vals []any) ([]sqldb.Cell, error) {
	out := make([]sqldb.Cell, len(t.Cols))
	for i := range out {
		if i >= len(vals) {
			break
		}
		c, err := t.info[i].cell(vals[i])
		if err != nil {
			return nil, fmt.Errorf("column %q: %w", t.Cols[i].Name, err)
		}
		out[i] = c
	}
	return out, nil
}
