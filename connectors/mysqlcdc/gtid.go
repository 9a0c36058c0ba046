package mysqlcdc

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	gomysql "github.com/go-mysql-org/go-mysql/mysql"
	"github.com/go-mysql-org/go-mysql/replication"
	"github.com/google/uuid"

	"github.com/millrace/millrace/connectors/cdc"
	"github.com/millrace/millrace/connectors/sqldb"
)

// gtid is a transaction's name: of MySQL (a server, a number there, a tag), or of
// MariaDB (domain-server-number). Zero: it has none.
type gtid struct {
	text  string
	sid   uuid.UUID
	tag   gomysql.Tag
	gno   int64
	maria *gomysql.MariadbGTID
}

func nameOf(e *replication.BinlogEvent, x *replication.GTIDEvent) gtid {
	if e.Header.EventType == replication.ANONYMOUS_GTID_EVENT || len(x.SID) != 16 {
		return gtid{}
	}
	g := gtid{sid: uuid.UUID(x.SID), tag: x.Tag, gno: x.GNO}
	g.text = g.sid.String() + ":"
	if x.Tag != (gomysql.Tag{}) {
		g.text += x.Tag.String() + ":"
	}
	g.text += strconv.FormatInt(x.GNO, 10)
	return g
}

// txn is the open transaction's name, where the ones before are known too.
func (l *logReader) txn() string {
	if l.set == nil {
		return ""
	}
	return l.name.text
}

// finish puts the open transaction among those that are done. What has no name
// makes them unknown, until the next file of the log lists them.
func (l *logReader) finish() {
	n := l.name
	l.name = gtid{}
	switch set := l.set.(type) {
	case *gomysql.MysqlGTIDSet:
		if n.gno == 0 {
			return
		}
		set.AddGTIDWithTag(n.sid, n.tag, n.gno)
	case *gomysql.MariadbGTIDSet:
		if n.maria == nil {
			return
		}
		set.Sets[n.maria.DomainID] = n.maria
	default:
		return
	}
	l.done = l.set.String()
}

// before takes the list at the begin of a file of the log.
func (l *logReader) before(list string) {
	set, err := gomysql.ParseGTIDSet("mysql", list)
	if err != nil || !l.gtids {
		return
	}
	l.set, l.done = set, set.String()
}

func (l *logReader) beforeMaria(list []gomysql.MariadbGTID) {
	set := &gomysql.MariadbGTIDSet{Sets: map[uint32]*gomysql.MariadbGTID{}}
	for i := range list { // the last of a domain is the newest
		set.Sets[list[i].DomainID] = &list[i]
	}
	l.set, l.done = set, set.String()
}

// identity is who a server is.
func identity(ctx context.Context, c sqldb.Conn, maria bool) (id string, err error) {
	query := "SELECT @@server_uuid"
	if maria {
		query = "SELECT @@server_id"
	}
	err = c.Query(ctx, query, func(r []sqldb.Cell) error { id = r[0].String(); return nil })
	return id, err
}

// sameServer says that the server is the one whose log was read.
func (d *database) sameServer(ctx context.Context) error {
	c, err := (sqldb.MySQL{}).Open(ctx, d.server)
	if err != nil {
		return err
	}
	defer c.Close()
	return d.same(ctx, c)
}

func (d *database) same(ctx context.Context, c sqldb.Conn) error {
	id, err := identity(ctx, c, d.maria)
	if err == nil && id != d.id {
		err = &cdc.Switched{Err: fmt.Errorf("the log was server %s's, and server %s answers now at %s: without GTIDs a position in its log means nothing there; start a new job, or write to the old server", d.id, id, d.server)}
	}
	return err
}

// executed is where to begin by name: behind the transactions that queries see now. A
// position wouldn't do for MySQL, which says it apart from their names.
func (d *database) executed(ctx context.Context, at cdc.Pos) (m cdc.Mark, err error) {
	query := "SELECT @@global.gtid_executed"
	m.Pos = at
	if d.maria {
		query = "SELECT BINLOG_GTID_POS(" + text(at.File) + ", " + strconv.FormatUint(at.Off, 10) + ")"
	} else if !d.gtids {
		return m, nil
	}
	err = d.control.Query(ctx, query, func(r []sqldb.Cell) error {
		m.Done = strings.ReplaceAll(r[0].String(), "\n", "")
		return nil
	})
	if m.Done != "" && !d.maria {
		m.Pos = cdc.Pos{}
	}
	return m, err
}

// Follows says that the server has the transactions done, and a log that names those
// behind them. One that is behind is waited for.
func (d *database) Follows(ctx context.Context, done string) error {
	for try := 1; ; try++ {
		missing := ""
		if d.maria {
			have := ""
			if err := d.control.Query(ctx, "SELECT @@gtid_binlog_pos", func(r []sqldb.Cell) error { have = r[0].String(); return nil }); err != nil {
				return err
			}
			a, err1 := gomysql.ParseMariadbGTIDSet(have)
			b, err2 := gomysql.ParseMariadbGTIDSet(done)
			if err1 != nil || err2 != nil || !a.Contain(b) {
				missing = "it has " + have + ", the position is behind " + done
			}
		} else {
			if !d.gtids {
				return fmt.Errorf("it has gtid_mode off, so a position of another server can't be found in its log")
			}
			err := d.control.Query(ctx, "SELECT GTID_SUBTRACT("+text(done)+", @@global.gtid_executed)", func(r []sqldb.Cell) error { missing = r[0].String(); return nil })
			if err != nil {
				return err
			}
		}
		if missing == "" {
			d.other = true
			return nil
		}
		if try > 2+d.retries || !pause(ctx, min(try, 4)) {
			return fmt.Errorf("it lacks transactions that were read from the other (%s): it is behind, or no replica of it, or doesn't write them to its log (log_replica_updates)", strings.ReplaceAll(missing, "\n", ""))
		}
	}
}
