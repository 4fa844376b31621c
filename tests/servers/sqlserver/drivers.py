"""The ODBC drivers that this machine has for SQL Server, as names for a connection string."""

import importlib.util
import re
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Driver:
    """`name` is what a connection string says: a registered name or the driver's file."""

    name: str
    microsoft: bool


def drivers() -> list[Driver]:
    """Microsoft's registered drivers, the one of the wheel mssql-python-odbc, FreeTDS: in this order; [] without a driver manager."""
    try:
        import pyodbc
    except ImportError:
        return []
    registered = sorted((name for name in pyodbc.drivers() if name.startswith("ODBC Driver ")), reverse=True)
    found = [Driver(name, microsoft=True) for name in registered]
    found += [Driver(str(path), microsoft=True) for path in _of_the_wheel()]
    found += [Driver(str(path), microsoft=False) for path in sorted(Path("/usr/lib").glob("*/odbc/libtdsodbc.so"))]
    return found


def native_number(error: Exception) -> int:
    """The native error number of a pyodbc.Error, which drivers put in parentheses at the end; 0 if it has none."""
    found = re.search(r"\((\d+)\) \(SQL", str(error.args[1]) if len(error.args) > 1 else "")
    return int(found[1]) if found else 0


def _of_the_wheel() -> list[Path]:
    """Linux only: Windows wants a driver that is registered, and says so itself."""
    spec = importlib.util.find_spec("mssql_python_odbc")
    if spec is None or not spec.submodule_search_locations or sys.platform != "linux":
        return []
    folder = Path(spec.submodule_search_locations[0]) / "libs" / "linux"
    family = "rhel" if Path("/etc/redhat-release").exists() else "suse" if Path("/etc/SUSE-brand").exists() else "debian_ubuntu"
    machine = "arm64" if _machine() == "aarch64" else "x86_64"
    return sorted(folder.glob(f"{family}/{machine}/lib/libmsodbcsql-*.so*"))


def _machine() -> str:
    import platform

    return platform.machine()
