"""Millrace from Python: Flink SQL run by the millrace binary.

A :class:`Session` keeps what CREATE and SET define; :meth:`Session.query` runs a
query to its end, :meth:`Session.stream` follows one that has none. Results are
Arrow tables, which pandas and polars take. In a notebook ``%load_ext millrace``
brings the cell magic ``%%millrace`` (magic.py).

The binary is found through the argument ``binary``, the environment variable
MILLRACE, or the path.
"""

from .client import MillraceError, Result, Session, Stream, query
from .script import split

__all__ = ["MillraceError", "Result", "Session", "Stream", "query", "split", "load_ipython_extension"]


def load_ipython_extension(ipython):
    """Called by %load_ext millrace."""
    from .magic import register

    register(ipython)
