"""User expressions: DuckDB's SQL over the columns of one row.

A text is parsed by DuckDB, checked node by node (tree) against what is allowed (allowed), and only the checked tree is run, in a
locked connection of the thread's own (database).
"""

from dtaas_desktop.transforms.expression.expression import Computed, Expression

__all__ = ["Computed", "Expression"]
