package mysqlcdc

import (
	"context"
	"fmt"
	"regexp"

	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/connectors/cdc"
	"github.com/millrace/millrace/connectors/sqldb"
)

// see finds what a change stream will meet. The log itself isn't opened: that would end
// a reader with the same server-id.
func see(ctx context.Context, c *config, f *connectors.Findings) (tables []*cdc.Table, snapshot bool) {
	my := sqldb.MySQL{}
	conn, err := my.Open(ctx, c.server)
	if err != nil {
		f.Fail(err)
		return nil, false
	}
	defer conn.Close()
	d := &database{config: c, control: conn}
	snapshot = c.mode == "initial" || c.mode == "snapshot"
	faults, err := d.settings(ctx)
	f.Fail(faults...)
	if err != nil {
		f.Fail(err)
		return nil, snapshot
	}
	f.See("%s answers", c.server)
	if c.mode != "snapshot" {
		if faults == nil {
			f.See("binary log on, binlog_format ROW, binlog_row_image FULL")
		}
		if at, err := end(ctx, conn); err != nil {
			f.Fail(fmt.Errorf("%w (the user needs REPLICATION CLIENT)", err))
		} else {
			f.See("the log ends at %s:%d", at.File, at.Off)
		}
		d.mayReplicate(ctx, f)
	}
	list, err := d.find(ctx, "")
	if err == nil && len(list) == 0 {
		err = d.none()
	}
	if err != nil {
		f.Fail(err)
		return nil, snapshot
	}
	for _, x := range list {
		t, err := d.table(x)
		if err != nil {
			f.Fail(err)
			continue
		}
		tables = append(tables, t.Table)
		if snapshot {
			err := conn.Query(ctx, "EXPLAIN SELECT 1 FROM "+my.Quote(x.DB)+"."+my.Quote(x.Name)+" LIMIT 1", func([]sqldb.Cell) error { return nil })
			if err != nil {
				f.Fail(fmt.Errorf("%s can't be read: %w", t.ID, err))
			}
		}
	}
	return tables, snapshot
}

var (
	replicates = regexp.MustCompile(`(?i)GRANT .*(REPLICATION SLAVE|REPLICATION REPLICA|ALL PRIVILEGES).* ON \*\.\* TO`)
	roles      = regexp.MustCompile("(?i)^GRANT [^ ]+(, ?[^ ]+)* TO ")
)

// mayReplicate looks for the right to read the log among the user's grants.
func (d *database) mayReplicate(ctx context.Context, f *connectors.Findings) {
	may, byRole := false, false
	err := d.control.Query(ctx, "SHOW GRANTS", func(r []sqldb.Cell) error {
		may = may || replicates.MatchString(r[0].String())
		byRole = byRole || roles.MatchString(r[0].String())
		return nil
	})
	switch {
	case err != nil:
		f.Wonder("whether this user may read the log (REPLICATION SLAVE): %v", err)
	case may:
		f.See("this user may read the log")
	case byRole:
		f.Wonder("whether this user may read the log (REPLICATION SLAVE): a role may grant it")
	default:
		f.Fail(&sqldb.Fault{Kind: sqldb.Forbidden, Server: d.server, Err: fmt.Errorf("%q lacks REPLICATION SLAVE, which reading the log needs", d.server.User), Hint: "grant it, or use another user"})
	}
}
