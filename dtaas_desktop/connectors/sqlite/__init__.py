"""SQLite database files as a source.

source        what the engine asks
connection    the driver, wrapped
catalog       tables, columns, keys
description   a table as it is planned with; types and untyped say which column is read as what
ranges        sizes and parts
session       snapshots
reader        the rows of a part: pages (how many at a time), proof (the fast way), cells (the exact way), fit (values of
              a type), judgement (what becomes of misfits)
"""

from dtaas_desktop.connectors.sqlite.source import SqliteSource

__all__ = ["SqliteSource"]
