import decimal
import threading
import time

import pyarrow as pa
import pytest

import millrace
from millrace.script import defines, split


def test_split():
    text = """-- a; comment
CREATE TABLE t (a INT) WITH ('x' = 'a;b');
/* another ; */ SELECT CASE WHEN a = 1 THEN 'x' END AS `b;c` FROM t;
EXECUTE STATEMENT SET BEGIN INSERT INTO a SELECT 1; INSERT INTO b SELECT 2; END;
"""
    got = split(text)
    assert len(got) == 3
    assert defines(got[0]) and not defines(got[1])
    assert got[2].endswith("END")
    assert not defines("CREATE TABLE t AS SELECT 1")


def test_types():
    r = millrace.query(
        "SELECT CAST(1 AS BIGINT) AS a, CAST(1.5 AS DECIMAL(10, 2)) AS b, 'x' AS c, CAST(NULL AS INT) AS d, TIMESTAMP '2024-01-01 00:00:01.5' AS e"
    )
    row = r.arrow().to_pylist()[0]
    assert row["a"] == 1 and row["b"] == decimal.Decimal("1.50") and row["c"] == "x" and row["d"] is None
    assert r.arrow().schema.field("a").type == pa.int64()
    assert pa.types.is_timestamp(r.arrow().schema.field("e").type)
    assert r.df()["a"].sum() == 1
    assert r.polars()["c"].to_list() == ["x"]


def test_final_rows():
    r = millrace.query("SELECT k, COUNT(*) AS n FROM (VALUES ('a'), ('b'), ('a')) AS t(k) GROUP BY k")
    assert sorted(map(tuple, (d.values() for d in r.arrow().to_pylist()))) == [("a", 2), ("b", 1)]
    assert r.changes == 4


def test_session_keeps_definitions():
    s = millrace.Session()
    s.define("CREATE VIEW v AS SELECT * FROM (VALUES (1), (2)) AS t(a)")
    assert len(s.query("SELECT a FROM v")) == 2
    with pytest.raises(millrace.MillraceError) as e:
        s.define("CREATE TABLE broken (a NOSUCHTYPE) WITH ('connector' = 'datagen')")
    assert e.value.code == 3
    assert len(s.query("SELECT a FROM v WHERE a > 1")) == 1
    with pytest.raises(millrace.MillraceError) as e:
        s.query("SELECT b FROM v")
    assert "column" in str(e.value)


FAST = "CREATE TABLE g (id BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '200', 'fields.id.min' = '1', 'fields.id.max' = '5')"


def test_stream_stops():
    s = millrace.Session()
    s.define(FAST)
    with s.stream("SELECT id, COUNT(*) AS n FROM g GROUP BY id") as stream:
        for kind, row in stream:
            assert kind in ("+I", "-U", "+U")
            if len(stream.rows()) == 5 and stream.changes > 50:
                break
    assert stream._process.poll() is not None
    assert sum(r["n"] for r in stream.result().arrow().to_pylist()) >= 20


def test_seconds():
    s = millrace.Session()
    s.define(FAST)
    began = time.monotonic()
    r = s.query("SELECT id FROM g", seconds=1.5)
    assert len(r) > 0 and time.monotonic() - began < 30


def test_interrupt(monkeypatch):
    s = millrace.Session()
    s.define(FAST)

    def interrupt(stream):
        if stream.changes > 20:
            raise KeyboardInterrupt

    r = s.execute("SELECT id FROM g", on_change=interrupt)
    assert len(r) > 20
    assert threading.active_count() < 10
