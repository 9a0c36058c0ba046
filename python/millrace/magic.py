"""%%millrace: a cell of SQL."""

import argparse
import shlex
import time

from .client import Session


def parser():
    p = argparse.ArgumentParser("%%millrace", add_help=False)
    p.add_argument("--name", default="", help="the variable that takes the result")
    p.add_argument("--for", dest="seconds", type=float, default=None, help="end a query after so many seconds")
    p.add_argument("--rows", type=int, default=20, help="rows to show")
    p.add_argument("--quiet", action="store_true", help="show nothing")
    return p


class Live:
    """A table in a notebook that changes in place."""

    def __init__(self, rows):
        self.rows, self.handle, self.last = rows, None, 0.0

    def __call__(self, stream):
        if time.monotonic() - self.last < 0.25:
            return
        self.last = time.monotonic()
        self.show(stream.result(), stream.changes)

    def show(self, result, changes):
        from IPython.display import HTML, display

        html = HTML(
            result.df().tail(self.rows).to_html(index=False)
            + "<small>%d rows, %d changes</small>" % (len(result), changes)
        )
        if self.handle is None:
            self.handle = display(html, display_id=True)
        else:
            self.handle.update(html)


def register(ipython):
    session = Session()

    def millrace(line, cell=None):
        """%%millrace [--name VAR] [--for SECONDS] [--rows N] [--quiet]

        Runs SQL. Definitions are kept for later cells; a query's rows are shown, in
        place while they change, and returned. Interrupting the kernel ends the query
        and keeps its rows."""
        if cell is None:
            args, sql = parser().parse_args([]), line
        else:
            args, sql = parser().parse_args(shlex.split(line)), cell
        live = None if args.quiet else Live(args.rows)
        result = session.execute(sql, on_change=live, seconds=args.seconds)
        if result is not None:
            if live:
                live.show(result, result.changes)
            ipython.user_ns[args.name or "_millrace"] = result
        return None if live else result

    ipython.register_magic_function(millrace, "line_cell", "millrace")
    ipython.user_ns["millrace_session"] = session
