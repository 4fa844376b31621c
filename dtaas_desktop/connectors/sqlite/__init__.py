"""SQLite database files as a source.

source        what the engine asks
connection    the driver, wrapped
catalog       tables and columns; keys: what makes rows unique
description   a table as it is planned with; types and untyped say which column is read as what
ranges        sizes and parts
session       snapshots
reader        the rows of a part: pages (how many at a time), paged (those found by a number), proof (the fast way), cells (the
              exact way), fit (values of a type), judgement (what becomes of misfits)
capture       changes, switched on and off: triggers (the log of touched keys), installation (what is there of it), consumers
              (what is kept for whom), positions (what a saved position means and whether it still holds)
net_changes   the changes of a turn: turn (the keys touched, beside the table as it is), read_keys (keys that are read as one)
"""

from dtaas_desktop.connectors.sqlite.source import SqliteSource

__all__ = ["SqliteSource"]
