package postgrescdc

import (
	"context"
	"errors"
	"fmt"

	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/connectors/cdc"
	"github.com/millrace/millrace/connectors/sqldb"
)

// see finds what a change stream will meet, without making publication or slot.
func see(ctx context.Context, c *config, f *connectors.Findings, resumes bool) (tables []*cdc.Table, snapshot bool) {
	conn, err := dialect.Open(ctx, c.server)
	if err != nil {
		f.Fail(err)
		return nil, false
	}
	defer conn.Close()
	d := &database{config: c, control: conn}
	snapshot = c.mode == "initial" || c.mode == "snapshot"
	f.See("%s answers", c.server)
	logs := c.mode != "snapshot"
	if err := d.level(ctx); err != nil {
		f.Fail(err)
	} else if logs {
		f.See("wal_level is logical")
	}
	list, err := find(ctx, c, conn)
	if err == nil && len(list) == 0 {
		err = d.none()
	}
	if err != nil {
		f.Fail(err)
	}
	for _, x := range list {
		f.Fail(d.identities([]def{x}))
		t, err := newTable(c.server.Database, x)
		if err != nil {
			f.Fail(err)
			continue
		}
		tables = append(tables, t.Table)
		if snapshot {
			if err := conn.Query(ctx, "EXPLAIN SELECT 1 FROM "+dialect.Quote(x.Schema)+"."+dialect.Quote(x.Name), func([]sqldb.Cell) error { return nil }); err != nil {
				f.Fail(fmt.Errorf("%s can't be read: %w", t.ID, err))
			}
		}
	}
	if logs {
		d.seeSlot(ctx, f, resumes)
		if len(list) > 0 {
			d.seePublication(ctx, f, list)
		}
	}
	return tables, snapshot
}

// row asks for one row of texts.
func (d *database) row(ctx context.Context, f *connectors.Findings, query string) (out []string) {
	err := d.control.Query(ctx, query, func(r []sqldb.Cell) error {
		for _, c := range r {
			out = append(out, c.String())
		}
		return nil
	})
	f.Fail(err)
	return out
}

// seeSlot looks at the replication slot, or whether one can be made: not where the job
// needs the log from before.
func (d *database) seeSlot(ctx context.Context, f *connectors.Findings, resumes bool) {
	if may := d.row(ctx, f, "SELECT rolreplication OR rolsuper FROM pg_roles WHERE rolname = current_user"); len(may) > 0 && may[0] != "t" {
		f.Fail(&sqldb.Fault{Kind: sqldb.Forbidden, Server: d.server, Err: fmt.Errorf("%q may not replicate", d.server.User), Hint: "ALTER ROLE ... REPLICATION, or use another user"})
	} else if len(may) > 0 {
		f.See("this user may replicate")
	}
	_, err := d.slotAt(ctx)
	var gone *cdc.Purged
	switch {
	case errors.As(err, &gone) && resumes:
		f.Fail(fmt.Errorf("%w: the job goes on from a checkpoint, and the log since then is gone with it; see 'scan.purged-log'", err))
	case errors.As(err, &gone) && d.mode != "committed-offset":
		if free := d.row(ctx, f, "SELECT current_setting('max_replication_slots')::int - count(*), current_setting('max_replication_slots') FROM pg_replication_slots"); len(free) > 1 {
			if free[0] == "0" {
				f.Fail(fmt.Errorf("%s has no room for replication slot %q: all %s are taken; drop one that isn't used (SELECT * FROM pg_replication_slots), or raise max_replication_slots", d.server, d.slot, free[1]))
			} else {
				f.See("slot %q isn't there yet: it will be made", d.slot)
			}
		}
	case err != nil:
		f.Fail(err)
	default:
		by := d.row(ctx, f, "SELECT active, COALESCE(active_pid::text, '') FROM pg_replication_slots WHERE slot_name = "+text(d.slot))
		if len(by) > 1 && by[0] == "t" {
			f.Fail(fmt.Errorf("%s: replication slot %q is in use by the server's process %s: is the job running? Each reader needs its own 'slot.name'", d.server, d.slot, by[1]))
		} else {
			f.See("slot %q is there and free", d.slot)
		}
	}
}

// seePublication looks at the publication, or whether one can be made.
func (d *database) seePublication(ctx context.Context, f *connectors.Findings, list []def) {
	name, ours, found, missing, err := d.published(ctx, list)
	switch {
	case err != nil:
		f.Fail(err)
	case len(missing) == 0:
		f.See("publication %q has the tables", name)
	case !ours:
		for _, m := range missing {
			f.Fail(unpublished(name, m))
		}
	default:
		what, before := "made", len(f.Faults)
		if found {
			what = "changed"
		} else if may := d.row(ctx, f, "SELECT has_database_privilege(current_database(), 'CREATE')"); len(may) > 0 && may[0] != "t" {
			f.Fail(fmt.Errorf("publication %q can't be made: %q lacks CREATE in database %q; grant it, or make one and name it in 'publication.name'", name, d.server.User, d.server.Database))
		}
		for _, m := range missing {
			owner := d.row(ctx, f, "SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = to_regclass("+text(m)+")")
			if len(owner) > 0 && owner[0] != "t" {
				f.Fail(fmt.Errorf("publication %q can't be %s: %q doesn't own %s; make one as its owner and name it in 'publication.name'", name, what, d.server.User, m))
			}
		}
		if len(f.Faults) == before {
			f.See("publication %q will be %s", name, what)
		}
	}
}
