"""Another program that writes to the source: a process of its own, because a second SQLite in ours would drop our locks."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_SCRIPT = """
import json, sqlite3, sys
for line in sys.stdin:
    order = json.loads(line)
    connection = sqlite3.connect(order["path"], isolation_level=None, timeout=30)
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute(f"PRAGMA recursive_triggers = {order['recursive']}")
    errors = []
    for pragma in order.get("pragmas", []):
        connection.execute(pragma).fetchall()
    for statements, end in order["transactions"]:
        connection.execute("BEGIN")
        for statement in statements:
            try:
                connection.execute(statement)
            except sqlite3.IntegrityError as error:
                errors.append(str(error))
                if not connection.in_transaction:
                    connection.execute("BEGIN")
        connection.execute(end)
    tables = {}
    for table in order["tables"]:
        cursor = connection.execute(f"SELECT * FROM {table}")
        names = [column[0] for column in cursor.description]
        tables[table] = [dict(zip(names, row)) for row in cursor]
    connection.close()
    print(json.dumps({"tables": tables, "errors": errors}), flush=True)
"""


@dataclass
class OtherProgram:
    """Runs transactions, each whole (COMMIT) or not at all (ROLLBACK), and says what the tables hold afterwards."""

    process: "subprocess.Popen[str]"

    @classmethod
    def started(cls) -> "OtherProgram":
        command = [sys.executable, "-c", _SCRIPT]
        return cls(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))

    def write(
        self, path: Path, transactions: Sequence[tuple[Sequence[str], str]], tables: Sequence[str], *, recursive: bool = False
    ) -> dict[str, list[dict[str, Any]]]:
        return self._asked({"path": str(path), "transactions": transactions, "tables": tables, "recursive": int(recursive)})

    def _asked(self, order: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        found: dict[str, list[dict[str, Any]]] = json.loads(self.process.stdout.readline())["tables"]
        return found

    def pragma(self, path: Path, pragma: str) -> None:
        self._asked({"path": str(path), "transactions": [], "tables": [], "recursive": 0, "pragmas": [pragma]})

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()
