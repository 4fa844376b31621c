"""What a statement may ask of the session it runs in."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.servers.sqlserver.catalogue import Catalogue, DatabaseInfo
from tests.servers.sqlserver.engine import Engine
from tests.servers.sqlserver.rights import Rights
from tests.servers.sqlserver.types import SqlType, Value


@dataclass
class Environment:
    engine: Engine
    catalogue: Catalogue
    rights: Rights
    database: DatabaseInfo
    spid: int
    login: str
    host: str = ""
    program: str = ""
    encrypted: bool = False
    read_only_secondary: bool = False
    variables: dict[str, tuple[SqlType, Value]] = field(default_factory=dict)
    depth: int = 0  # @@TRANCOUNT
    rowcount: int = 0
    error: int = 0
    caught: tuple[int, str, int, int] | None = None  # of the CATCH block that runs: number, text, severity, state
    changed: set[tuple[int, int]] = field(default_factory=set)  # tables (database, id) in the statement that runs
    identity: int | None = None
    isolation: str = "READ COMMITTED"
    lock_timeout: int = -1
    options: dict[str, str] = field(default_factory=dict)
    sessions: Callable[[], list[dict[str, Value | str]]] = list  # of the whole server, for sys.dm_exec_*
    now: float = field(default_factory=time.time)  # of the statement that runs


SERVER_NAME = "STANDIN"
VERSION = "16.0.4175.1"
VERSION_TEXT = (
    f"Microsoft SQL Server 2022 (RTM-CU16) - {VERSION} (X64) (a stand-in for tests, not Microsoft's)\n"
    "\tDeveloper Edition (64-bit) on Linux (Debian GNU/Linux 12)"
)
