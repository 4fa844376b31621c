"""What a reader must know of the machine to read the figures: no names, no paths."""

import os
import platform
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

import psutil

_PEER_PACKAGES = ("duckdb", "connectorx", "adbc-driver-sqlite", "pyarrow", "arrow-odbc", "pyodbc", "pandas", "mssql-python-odbc")
_PRODUCT_PACKAGES = ("adbc-driver-sqlite", "pyarrow", "duckdb")
_ASK = (
    "import sys; from importlib.metadata import version; import dtaas_desktop;"
    "print(dtaas_desktop.__version__, sys.version.split()[0], *(version(name) for name in sys.argv[1:]))"
)


def facts(product_python: Path) -> dict[str, object]:
    """Processor, memory, system, and the versions of the product, its peers and what both stand on."""
    return {
        "processor": processor(),
        "cores": cores(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "peers": {name: version(name) for name in _PEER_PACKAGES},
        "product": product_versions(product_python, _PRODUCT_PACKAGES),
    }


def cores() -> int:
    """Those that this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    else:  # noqa: RET505 (mypy reads only the branch of its own platform)
        return os.cpu_count() or 1


def processor() -> str:
    if sys.platform == "linux":
        found = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text("utf-8"), re.MULTILINE)
        if found:
            return found[1]
    return platform.processor() or platform.machine()


def product_versions(python: Path, packages: Sequence[str]) -> Mapping[str, str]:
    said = subprocess.run([python, "-c", _ASK, *packages], capture_output=True, text=True, check=True).stdout.split()
    return dict(zip(("dtaas-desktop", "python", *packages), said, strict=True))
