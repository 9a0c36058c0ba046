package sqldb

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgconn"
)

// Fault is an error of a server in words that say what is wrong and what to do.
type Fault struct {
	Kind   FaultKind
	Server Server
	Hint   string
	Err    error
}

// FaultKind is what sort of fault it is.
type FaultKind uint8

const (
	Other      FaultKind = iota
	Down                 // nothing answers at the address
	Lost                 // the connection broke
	Denied               // wrong user or password
	Forbidden            // the user may not do it
	NoDatabase           // there is no such database
	NoTable              // there is no such table
	NoColumn             // there is no such column
	BadValue             // a value doesn't fit the column
	Conflict             // a key is there already
	Deadlock             // another transaction won
)

var faultText = map[FaultKind]string{
	Down: "can't be reached", Lost: "the connection was lost", Denied: "user or password refused", Forbidden: "the user has no right to do this",
	NoDatabase: "no such database", NoTable: "no such table", NoColumn: "no such column", BadValue: "a value doesn't fit its column",
	Conflict: "a row with this key is there already", Deadlock: "the transaction was rolled back for another one",
}

func (f *Fault) Error() string {
	b := f.Server.String()
	if s := faultText[f.Kind]; s != "" {
		b += ": " + s
	}
	if f.Err != nil {
		b += ": " + f.Err.Error()
	}
	if f.Hint != "" {
		b += "; " + f.Hint
	}
	return b
}

func (f *Fault) Unwrap() error { return f.Err }

// KindOf is the kind of fault an error is.
func KindOf(err error) FaultKind {
	var f *Fault
	if errors.As(err, &f) {
		return f.Kind
	}
	return Other
}

// fault puts a driver's error in words.
func fault(s Server, err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	var have *Fault
	if errors.As(err, &have) {
		return err
	}
	f := &Fault{Server: s, Err: err}
	var my *mysql.MySQLError
	var pg *pgconn.PgError
	var op *net.OpError
	var connect *pgconn.ConnectError
	switch {
	case errors.As(err, &my):
		f.Kind, f.Hint = mysqlFault(my)
	case errors.As(err, &pg):
		f.Kind, f.Hint = postgresFault(pg)
		f.Err = fmt.Errorf("%s (SQLSTATE %s)%s", pg.Message, pg.Code, detail(pg.Detail))
	case errors.As(err, &op) && op.Op == "dial", errors.As(err, &connect) && !errors.Is(err, context.DeadlineExceeded):
		f.Kind, f.Hint = Down, "is the server up, and are host and port right?"
	case errors.Is(err, context.DeadlineExceeded):
		f.Kind, f.Hint = Down, "no answer in time"
	case errors.Is(err, driver.ErrBadConn), errors.Is(err, mysql.ErrInvalidConn), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, net.ErrClosed), errors.As(err, &op), strings.Contains(err.Error(), "conn closed"):
		f.Kind = Lost
	}
	return f
}

func detail(s string) string {
	if s == "" {
		return ""
	}
	return ": " + s
}

func mysqlFault(e *mysql.MySQLError) (FaultKind, string) {
	switch e.Number {
	case 1045, 1698, 1130:
		return Denied, "check username and password"
	case 1044, 1142, 1143, 1227:
		return Forbidden, "grant it, or use another user"
	case 1049:
		return NoDatabase, ""
	case 1146, 1051:
		return NoTable, "check table-name"
	case 1054:
		return NoColumn, "compare the table's columns with the CREATE TABLE"
	case 1062, 1586:
		return Conflict, ""
	case 1264, 1265, 1292, 1366, 1406, 1048, 1364, 3140, 3819, 4025, 1411:
		return BadValue, ""
	case 1205, 1213:
		return Deadlock, ""
	case 1040, 1203, 1053, 1152, 1158, 1159, 1160, 1161, 2006, 2013:
		return Lost, ""
	}
	return Other, ""
}

func postgresFault(e *pgconn.PgError) (FaultKind, string) {
	switch {
	case strings.HasPrefix(e.Code, "28"):
		return Denied, "check username and password"
	case e.Code == "42501":
		return Forbidden, "grant it, or use another user"
	case e.Code == "3D000":
		return NoDatabase, ""
	case e.Code == "42P01", e.Code == "3F000":
		return NoTable, "check table-name (schema.table)"
	case e.Code == "42703":
		return NoColumn, "compare the table's columns with the CREATE TABLE"
	case e.Code == "23505":
		return Conflict, ""
	case strings.HasPrefix(e.Code, "22"), strings.HasPrefix(e.Code, "23"):
		return BadValue, ""
	case e.Code == "40001", e.Code == "40P01", e.Code == "55P03":
		return Deadlock, ""
	case e.Code == "53400":
		return Other, "raise the limit, or drop what isn't used (SELECT * FROM pg_replication_slots)"
	case strings.HasPrefix(e.Code, "08"), strings.HasPrefix(e.Code, "57P"), strings.HasPrefix(e.Code, "53"):
		return Lost, ""
	}
	return Other, ""
}

// transient is Dialect.Transient for both.
func transient(err error) bool {
	switch KindOf(err) {
	case Down, Lost, Deadlock:
		return true
	}
	return false
}
