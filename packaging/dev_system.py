"""The system's own libraries that a command needs, and getting them with apt where that may be done."""

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


ENVIRONMENTS = Need("Python's venv and ensurepip", f"python3.{sys.version_info.minor}-venv", _can_make_environments)
TIME_ZONES = Need("the time zone database", "tzdata", _has_time_zones)

NEEDS: dict[str, tuple[Need, ...]] = {
    "demo": (ENVIRONMENTS, TIME_ZONES),
    "test": (ENVIRONMENTS, TIME_ZONES),
    "check": (ENVIRONMENTS,),
    "bench": (ENVIRONMENTS, TIME_ZONES),
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
