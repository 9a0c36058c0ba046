"""Running the binary and reading its results."""

import os
import shutil
import signal
import subprocess
import tempfile
import threading

import pyarrow as pa
import pyarrow.ipc

from .script import defines, split


class MillraceError(Exception):
    """What the binary said when it refused or failed; code is its exit code."""

    def __init__(self, message, code):
        super().__init__(message)
        self.code = code


def find_binary(binary=None):
    """The path of the binary."""
    found = binary or os.environ.get("MILLRACE") or shutil.which("millrace")
    if not found:
        raise MillraceError("the millrace binary isn't on the path; set MILLRACE to where it is", 2)
    return found


class Result:
    """The rows that a query has left: an Arrow table."""

    def __init__(self, table, changes=0):
        self.table = table
        self.changes = changes  # how many changes led to it

    def arrow(self):
        return self.table

    def df(self):
        """As a pandas DataFrame."""
        return self.table.to_pandas()

    def polars(self):
        """As a polars DataFrame."""
        import polars

        return polars.from_arrow(self.table)

    def plot(self, x=None, y=None, kind="bar", **kwargs):
        """Draws the rows with pandas; x defaults to the first column."""
        frame = self.df()
        for name in frame.columns:  # decimals are objects to pandas
            if pa.types.is_decimal(self.table.schema.field(name).type):
                frame[name] = frame[name].astype(float)
        return frame.plot(x=x or frame.columns[0], y=y, kind=kind, **kwargs)

    def __len__(self):
        return self.table.num_rows

    def __repr__(self):
        return self.table.to_pandas().to_string(index=False) if len(self) else "no rows"

    def _repr_html_(self):
        return self.df().to_html(index=False)


class Stream:
    """A running query. Iterating gives (kind, row) changes, kind one of +I -U +U -D;
    rows() is the table that the changes so far have left."""

    def __init__(self, session, statement):
        self._script = tempfile.NamedTemporaryFile("w", suffix=".sql", delete=False)
        self._script.write(session.script(statement))
        self._script.close()
        self._errors = tempfile.TemporaryFile("w+")
        self._process = subprocess.Popen(
            [session.binary, "run", "--format", "arrow", "--changelog", "--progress", "none", self._script.name],
            stdout=subprocess.PIPE,
            stderr=self._errors,
            stdin=subprocess.DEVNULL,
            cwd=session.cwd,
            start_new_session=True,  # an interrupt is ours to pass on
        )
        self.schema = None
        self.changes = 0
        self._live = {}  # row -> how often, in the order they came
        self._stopped = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def __iter__(self):
        try:
            reader = pa.ipc.open_stream(self._process.stdout)
        except pa.ArrowInvalid:  # no result has begun
            self._finish()
            return
        self.schema = pa.schema([f for f in reader.schema if f.name != "op"])
        while True:
            try:
                batch = reader.read_next_batch()
            except (StopIteration, pa.ArrowInvalid, OSError):
                break
            kinds = batch.column("op").to_pylist()
            columns = [batch.column(n).to_pylist() for n in self.schema.names]
            for kind, row in zip(kinds, zip(*columns)):
                self._apply(kind, row)
                yield kind, dict(zip(self.schema.names, row))
        self._finish()

    def _apply(self, kind, row):
        self.changes += 1
        key = repr(row)
        n, _ = self._live.get(key, (0, row))
        n += 1 if kind in ("+I", "+U") else -1
        if n == 0:
            self._live.pop(key, None)
        else:
            self._live[key] = (n, row)

    def rows(self):
        """The rows there are now."""
        return [row for n, row in self._live.values() for _ in range(max(n, 0))]

    def result(self):
        """The rows there are now, as a Result."""
        schema = self.schema or pa.schema([])
        rows = self.rows()
        return Result(pa.table([pa.array([r[i] for r in rows], f.type) for i, f in enumerate(schema)], schema=schema), self.changes)

    def stop(self):
        """Ends the query in good order."""
        self._stopped = True
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._close()

    def _finish(self):
        code = self._process.wait()
        self._errors.seek(0)
        said = self._errors.read().strip()
        self._close()
        if code not in (0, 130) or code == 130 and not self._stopped:
            raise MillraceError(said or "exit code %d" % code, code)

    def _close(self):
        self._process.stdout.close()
        if os.path.exists(self._script.name):
            os.unlink(self._script.name)


class Session:
    """What CREATE and SET have defined, for the statements that follow."""

    def __init__(self, binary=None, cwd=None, settings=None):
        self.binary = find_binary(binary)
        self.cwd = cwd
        self.defined = ["SET '%s' = '%s'" % (k, str(v).replace("'", "''")) for k, v in (settings or {}).items()]

    def script(self, statement=None):
        """The definitions, and a statement behind them."""
        return "".join(s + ";\n" for s in self.defined + ([statement] if statement else []))

    def define(self, sql):
        """Executes definitions: they are checked, and kept."""
        new = split(sql)
        done = subprocess.run(
            [self.binary, "check", "-"], input="".join(s + ";\n" for s in self.defined + new), capture_output=True, text=True, cwd=self.cwd
        )
        if done.returncode:
            raise MillraceError(done.stderr.strip(), done.returncode)
        self.defined += new

    def stream(self, sql):
        """Starts the last statement of sql, which must be a query; those before it
        are definitions."""
        *before, last = split(sql)
        if before:
            self.define(";\n".join(before))
        return Stream(self, last)

    def execute(self, sql, on_change=None, seconds=None):
        """Runs a script: definitions are kept, INSERTs run to their end, and the last
        query's Result is returned, None without one. on_change is called with the
        Stream after each change; seconds ends a query after that time."""
        result = None
        for statement in split(sql):
            if defines(statement):
                self.define(statement)
                continue
            stream = Stream(self, statement)
            timer = threading.Timer(seconds, stream._process.send_signal, [signal.SIGINT]) if seconds else None
            if timer:
                timer.daemon = True
                stream._stopped = True
                timer.start()
            try:
                for _ in stream:
                    if on_change:
                        on_change(stream)
            except KeyboardInterrupt:
                stream.stop()
            finally:
                if timer:
                    timer.cancel()
            if stream.schema is not None:
                result = stream.result()
        return result

    def query(self, sql, seconds=None):
        """Runs sql and returns its last query's Result."""
        result = self.execute(sql, seconds=seconds)
        if result is None:
            raise MillraceError("there is no query in it", 2)
        return result


def query(sql, **kwargs):
    """Runs a script in a session of its own."""
    return Session(**kwargs).query(sql)
