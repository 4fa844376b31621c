"""Which ODBC driver to use: Microsoft's if it is installed, else the one in the wheel `mssql-python-odbc`, else FreeTDS.

A driver that is named by its path needs no entry in odbcinst.ini; on Windows the driver manager takes only registered names.
"""

import importlib.util
import platform
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from dtaas_desktop.domain.errors import UserError

Family = Literal["microsoft", "freetds"]

_MICROSOFT = re.compile(r"ODBC Driver (\d+) for SQL Server")
_OLDEST = 17
_FREETDS_PLACES = (
    "/usr/lib/*/odbc/libtdsodbc.so",
    "/usr/lib64/libtdsodbc.so*",
    "/usr/local/lib/libtdsodbc.so",
    "/opt/homebrew/lib/libtdsodbc.so",
)


@dataclass(frozen=True, slots=True)
class Driver:
    """A driver as the connection string names it, and what it is called for people. `version`: Microsoft's major one; 0 if unknown."""

    name: str
    title: str
    family: Family
    version: int = 0


def chosen_driver(wanted: str, registered: Sequence[str]) -> Driver:
    """The driver that the settings name, or the best there is. Raises UserError if there is none.

    `registered` are the names known to the driver manager.
    """
    if wanted:
        return _named(wanted, registered)
    for driver in _found(registered):
        return driver
    raise UserError("There is no ODBC driver for SQL Server on this computer.", remedy=how_to_install())


def how_to_install() -> str:
    """How to get a driver on this platform."""
    if sys.platform == "win32":
        return "Install Microsoft's “ODBC Driver 18 for SQL Server”, for example with: winget install Microsoft.msodbcsql.18"
    if sys.platform == "darwin":
        return "Install it with “pip install mssql-python-odbc”, or Microsoft's msodbcsql18 with Homebrew."
    return (
        "Install it with “pip install mssql-python-odbc” (Microsoft's driver, under its own licence) and the packages unixodbc and "
        "libltdl7, or the package tdsodbc (FreeTDS)."
    )


def _found(registered: Sequence[str]) -> Iterator[Driver]:
    versions = sorted({int(match[1]) for name in registered if (match := _MICROSOFT.fullmatch(name))}, reverse=True)
    for version in versions:
        if version >= _OLDEST:
            name = f"ODBC Driver {version} for SQL Server"
            yield Driver(name, name, "microsoft", version)
    path = _in_wheel()
    if path is not None:
        yield Driver(str(path), "Microsoft's driver from the package mssql-python-odbc", "microsoft", _version_of(path.name))
    for name in registered:
        if name.casefold() == "freetds":
            yield Driver(name, "FreeTDS", "freetds")
    for place in _FREETDS_PLACES:
        for path in sorted(Path("/").glob(place.lstrip("/"))):
            yield Driver(str(path), "FreeTDS", "freetds")


def _named(wanted: str, registered: Sequence[str]) -> Driver:
    file = Path(wanted).name.casefold()
    known = {name.casefold(): name for name in registered}
    name = known.get(wanted.casefold())
    if name is None and not Path(wanted).is_file():
        others = ", ".join(registered) or "none"
        raise UserError(
            f"There is no ODBC driver “{wanted}” (installed are: {others}).",
            remedy="Correct the driver in the connection's advanced settings, or leave it empty to have one chosen.",
        )
    name = name or wanted
    if "freetds" in wanted.casefold() or "tdsodbc" in file:
        return Driver(name, "FreeTDS" if name == wanted else name, "freetds")
    return Driver(name, name, "microsoft", _version_of(name))


def _version_of(name: str) -> int:
    match = re.search(r"(?:driver |msodbcsql[-.]?)(\d+)", name, re.IGNORECASE)
    return int(match[1]) if match else 0


def _in_wheel() -> Path | None:
    """The driver's file in the wheel, if the wheel is installed and made for this system."""
    if sys.platform == "win32":
        return None
    spec = importlib.util.find_spec("mssql_python_odbc")
    if spec is None or spec.origin is None:
        return None
    libraries = Path(spec.origin).parent / "libs"
    machine = {"aarch64": "arm64", "amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
    if sys.platform == "darwin":
        places = [libraries / "macos" / machine / "lib"]
    else:
        places = [libraries / "linux" / system / machine / "lib" for system in _linux_systems()]
    files = (file for place in places if place.is_dir() for file in sorted(place.iterdir(), reverse=True))
    return next((file for file in files if file.name.startswith("libmsodbcsql")), None)


def _linux_systems() -> tuple[str, ...]:
    """The wheel's folders that fit this distribution, the likeliest first."""
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        release = {}
    words = f"{release.get('ID', '')} {release.get('ID_LIKE', '')}".split()
    for known, folder in (("alpine", "alpine"), ("suse", "suse"), ("sles", "suse"), ("rhel", "rhel"), ("fedora", "rhel")):
        if known in words or any(word.startswith(known) for word in words):
            return (folder, "debian_ubuntu", "rhel")
    return ("debian_ubuntu", "rhel", "suse")
