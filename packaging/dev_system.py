"""The system's own libraries that a command needs, and getting them with apt where that may be done."""

import ctypes.util
import importlib
import importlib.util
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

APT_PATIENCE = 300  # seconds to wait for another apt that is at work, as on a machine that has just started
APT_PAUSE = 5.0


class SetupFailed(Exception):
    """The environment could not be made; the text tells the user what to do about it."""


@dataclass(frozen=True)
class Need:
    """Something that only the system can give: `package` is Debian's name for it."""

    what: str
    package: str
    present: Callable[[], bool]


def _can_make_environments() -> bool:
    importlib.invalidate_caches()
    return all(importlib.util.find_spec(module) for module in ("venv", "ensurepip"))


def _has_time_zones() -> bool:
    return sys.platform != "linux" or Path("/usr/share/zoneinfo/Europe/Paris").exists()


def _has_library(name: str) -> Callable[[], bool]:
    return lambda: sys.platform != "linux" or ctypes.util.find_library(name) is not None


def _has_program(name: str) -> Callable[[], bool]:
    return lambda: sys.platform != "linux" or shutil.which(name) is not None


def _has_postgresql() -> bool:
    return (
        sys.platform != "linux" or any(Path("/usr/lib/postgresql").glob("*/bin/postgres")) or shutil.which("postgres") is not None
    )


def _has_freetds() -> bool:
    return sys.platform != "linux" or any(Path("/usr/lib").glob("*/odbc/libtdsodbc.so"))


ENVIRONMENTS = Need("Python's venv and ensurepip", f"python3.{sys.version_info.minor}-venv", _can_make_environments)
TIME_ZONES = Need("the time zone database", "tzdata", _has_time_zones)

# What Qt's libraries ask of the system, by the name of the library: they are not in its wheels.
WINDOW = tuple(
    Need(f"the library {library}", package, _has_library(library))
    for library, package in (
        ("glib-2.0", "libglib2.0-0"),
        ("GL", "libgl1"),
        ("EGL", "libegl1"),
        ("xkbcommon", "libxkbcommon0"),
        ("fontconfig", "libfontconfig1"),
        ("dbus-1", "libdbus-1-3"),
        ("xcb-cursor", "libxcb-cursor0"),
        ("xcb-icccm", "libxcb-icccm4"),
        ("xcb-image", "libxcb-image0"),
        ("xcb-keysyms", "libxcb-keysyms1"),
        ("xcb-randr", "libxcb-randr0"),
        ("xcb-render-util", "libxcb-render-util0"),
        ("xcb-shape", "libxcb-shape0"),
        ("xcb-sync", "libxcb-sync1"),
        ("xcb-xfixes", "libxcb-xfixes0"),
        ("xcb-xkb", "libxcb-xkb1"),
        ("xkbcommon-x11", "libxkbcommon-x11-0"),
        ("X11-xcb", "libx11-xcb1"),
    )
)
DISPLAY = Need("a display without a screen", "xvfb", _has_program("Xvfb"))
HANDS = (  # they press keys in a real window
    Need("a window manager", "openbox", _has_program("openbox")),
    Need("a program that presses keys", "xdotool", _has_program("xdotool")),
)
BINUTILS = Need("objdump, for PyInstaller", "binutils", _has_program("objdump"))
POSTGRESQL = Need("a PostgreSQL server to test with", "postgresql", _has_postgresql)

# ODBC, a second driver beside Microsoft's, and what the libraries in the wheel of Microsoft's ask of the system.
ODBC = (
    Need("the ODBC driver manager", "unixodbc", _has_library("odbc")),
    Need("FreeTDS, an ODBC driver", "tdsodbc", _has_freetds),
    Need("the library ltdl", "libltdl7", _has_library("ltdl")),
    Need("the library krb5", "libkrb5-3", _has_library("krb5")),
    Need("the library gssapi_krb5", "libgssapi-krb5-2", _has_library("gssapi_krb5")),
)

NEEDS: dict[str, tuple[Need, ...]] = {
    "app": (ENVIRONMENTS, TIME_ZONES, *WINDOW),
    "demo": (ENVIRONMENTS, TIME_ZONES),
    "test": (ENVIRONMENTS, TIME_ZONES, *WINDOW, DISPLAY, POSTGRESQL, *ODBC),
    "check": (ENVIRONMENTS,),
    "bench": (ENVIRONMENTS, TIME_ZONES, *WINDOW, DISPLAY, *HANDS, *ODBC),
    "screenshots": (ENVIRONMENTS, TIME_ZONES, *WINDOW, DISPLAY),
    "build": (ENVIRONMENTS, TIME_ZONES, *WINDOW, DISPLAY, *HANDS, BINUTILS),
}


def provide(needs: Sequence[Need]) -> None:
    """See that everything in `needs` is there; raises SetupFailed with one line to copy where it cannot be had."""
    missing = [need for need in needs if not need.present()]
    if not missing:
        return
    if shutil.which("apt-get") is None:
        names = " and ".join(need.what for need in missing)
        raise SetupFailed(f"Missing here: {names}. Install them with your system's package manager, then run this again.")
    packages = [need.package for need in missing]
    by_hand = f"sudo apt-get update && sudo apt-get install -y {' '.join(packages)}"
    rights = _rights()
    if rights is None or not _agreed(packages):
        raise SetupFailed(f"Missing here: {', '.join(packages)}. Install with:\n    {by_hand}")
    _apt(rights, ["update"])
    _apt(rights, ["install", "-y", "--no-install-recommends", *packages])
    still = [need.package for need in missing if not need.present()]
    if still:
        raise SetupFailed(
            f"apt installed {', '.join(still)}, and {sys.executable} still does not see it: "
            "run this command with the system's own /usr/bin/python3."
        )


def _rights() -> list[str] | None:
    """What to put before apt-get; None where we may not use it."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") is None:
        return None
    without_asking = subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0
    return ["sudo"] if without_asking or in_terminal() else None


def in_terminal() -> bool:
    return sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty()


def _agreed(packages: Sequence[str]) -> bool:
    """Ask once where somebody can answer; Enter is yes. Unattended means yes."""
    if not in_terminal():
        return True
    return input(f"Install with apt-get: {' '.join(packages)}? [Y/n] ").strip().lower() in ("", "y", "yes")


def _apt(rights: Sequence[str], arguments: Sequence[str]) -> None:
    print("apt-get", *arguments, flush=True)
    quiet = ["env", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C"]
    command = [*rights, *quiet, "apt-get", "-q", "-o", f"DPkg::Lock::Timeout={APT_PATIENCE}", *arguments]
    deadline = time.monotonic() + APT_PATIENCE
    while True:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        if done.returncode == 0:
            return
        if "Could not get lock" not in done.stdout or time.monotonic() > deadline:
            break
        time.sleep(APT_PAUSE)  # `update` has a lock that apt's own time-out does not cover
    raise SetupFailed(f"{done.stdout.strip()}\n\n`{' '.join(command)}` failed: its reason is above.")
