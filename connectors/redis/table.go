package redis

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/types"
)

// table is a table and where it is.
type table struct {
	path    string
	prefix  string
	options *redis.Options
	cols    []types.Field
	key     []int // columns of cols
	scalars formats.Scalars
}

// newTable checks a table of which the given columns are moved; key are those of them
// that are its primary key.
func newTable(t connectors.Table, key []int) (*table, error) {
	out := &table{path: t.Path, cols: t.Schema.Fields, key: key, prefix: t.Options.String("key-prefix")}
	if !t.Options.Has("key-prefix") {
		out.prefix = prefixOf(t.Path)
	}
	if len(t.Key) == 0 {
		return nil, out.errorf("it has no primary key, which makes the keys in redis; add PRIMARY KEY (...) NOT ENFORCED to the CREATE TABLE")
	}
	for i, f := range t.Schema.Fields {
		switch k := f.Type.Kind; {
		case k < types.Char || k > types.TimestampLTZ || k == types.Time && f.Type.Length > 3:
			return nil, out.errorf("not supported yet: column %q of type %s in redis", f.Name, f.Type.Nullable())
		case slices.Contains(key, i) && (k == types.Float || k == types.Double):
			return nil, out.errorf("not supported yet: primary key column %q of type %s in redis", f.Name, f.Type.Nullable())
		}
	}
	at := t.Options.String("url")
	u, err := url.Parse(at)
	if err != nil {
		var inner *url.Error // says the url itself, which may hold a password
		if errors.As(err, &inner) {
			err = inner.Err
		}
		return nil, out.errorf("'url' can't be read: %w; it is redis://host:port/database", err)
	}
	if _, secret := u.User.Password(); secret {
		return nil, out.errorf("'url' holds a password, which messages would show; give it as option 'password'")
	}
	if out.options, err = redis.ParseURL(at); err != nil {
		return nil, out.errorf("'url': %w; it is redis://host:port/database", err)
	}
	if t.Options.Has("username") && !t.Options.Has("password") {
		return nil, out.errorf("'username' needs 'password'")
	}
	if t.Options.Has("username") {
		out.options.Username = t.Options.String("username")
	}
	out.options.Password = t.Options.String("password")
	out.options.DisableIdentity = true
	out.options.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	return out, nil
}

// prefixOf is what keys begin with when nobody says: the table's name and, so that tables
// of two databases don't meet, the database's where that isn't the default one.
func prefixOf(path string) string {
	_, name, _ := strings.Cut(strings.ReplaceAll(path, "`", ""), ".")
	return strings.TrimPrefix(name, "default_database.") + ":"
}

func (t *table) errorf(format string, args ...any) error {
	return fmt.Errorf("redis: table %s: "+format, append([]any{t.path}, args...)...)
}

// fault is an error of the server.
func (t *table) fault(err error) error {
	return t.errorf("%s: %w; check that the server runs and takes this user's commands", t.options.Addr, err)
}

// open connects.
func (t *table) open(ctx context.Context) (*redis.Client, error) {
	logging.Disable() // what fails is told by errors
	o := *t.options
	c := redis.NewClient(&o)
	if err := c.Ping(ctx).Err(); err != nil {
		c.Close()
		return nil, t.fault(err)
	}
	return c, nil
}

// keyOf appends the key in redis: column k of the primary key is row i of what at gives.
func (t *table) keyOf(b []byte, at func(k int) *batch.Vector, i int) ([]byte, error) {
	b = append(b, t.prefix...)
	for k, c := range t.key {
		if k > 0 {
			b = append(b, ':')
		}
		v, f := at(k), t.cols[c]
		if v.Null(i) {
			return b, t.errorf("primary key column %q is NULL in a row; leave such rows out", f.Name)
		}
		if len(t.key) == 1 || f.Type.Kind != types.Char && f.Type.Kind != types.VarChar {
			b = appendText(b, f.Type, v, i)
			continue
		}
		for _, x := range v.Bytes(i) {
			if x == ':' || x == '\\' {
				b = append(b, '\\')
			}
			b = append(b, x)
		}
	}
	return b, nil
}

// appendText appends a value, which isn't NULL, in the form that formats.Scalars reads.
func appendText(b []byte, t types.Type, v *batch.Vector, i int) []byte {
	switch t.Kind {
	case types.Char, types.VarChar:
		return append(b, v.Bytes(i)...)
	case types.Binary, types.VarBinary:
		return base64.StdEncoding.AppendEncode(b, v.Bytes(i))
	case types.Boolean:
		return strconv.AppendBool(b, v.I64[i] != 0)
	case types.Decimal:
		return types.AppendDecimal(b, v.Decimal(t, i), t.Scale)
	case types.Float:
		return types.AppendFloat(b, v.F64[i])
	case types.Double:
		return types.AppendDouble(b, v.F64[i])
	case types.Date:
		return types.AppendDate(b, v.I64[i])
	case types.Time:
		return types.AppendTime(b, v.I64[i], t.Length)
	case types.Timestamp, types.TimestampLTZ:
		nanos := 0
		if t.Length > 6 {
			nanos = int(v.Hi[i])
		}
		if b = formats.AppendTimestamp(b, v.I64[i], nanos, ' '); t.Kind == types.TimestampLTZ {
			b = append(b, 'Z')
		}
		return b
	}
	return strconv.AppendInt(b, v.I64[i], 10)
}

// read appends a field's text as row n of a column.
func (t *table) read(v *batch.Vector, c, n int, key, text string) error {
	f := t.cols[c]
	err := t.scalars.Append(v, f.Type, n, []byte(text))
	if err == nil && v.Null(n) {
		err = fmt.Errorf("%q has too many digits for a %s", bytes.TrimSpace([]byte(text)), f.Type.Nullable())
	}
	if err != nil {
		return t.errorf("key %q, field %q: %w; correct the value, or the column's type", key, f.Name, err)
	}
	return nil
}
