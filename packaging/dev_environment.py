"""An environment of Python packages, made from hash locks, and known to be whole or made again.

`dtaas-dev.json` inside it is written first (unfinished) and last (what is in it): whatever ended a set-up in between,
the next use sees an environment that was not finished.
"""

import contextlib
import hashlib
import json
import locale
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

from dev_system import Need, SetupFailed, provide

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ROOT / "packaging" / "locks"
UNFINISHED: Mapping[str, object] = {"unfinished": True}
NO_NETWORK = re.compile(
    "NewConnectionError|Failed to establish a new connection|NameResolutionError|Temporary failure in name resolution"
    "|getaddrinfo failed|Network is unreachable|ConnectTimeout|ReadTimeout|timed out|ProxyError|Connection reset"
)


class Environment:
    """One folder with a Python of its own; `product` also makes `dtaas_desktop` and its command known in it."""

    def __init__(self, folder: Path, *, product: bool = False) -> None:
        self.folder = folder
        self.product = product
        self.stamp = folder / "dtaas-dev.json"
        self.scripts = folder / ("Scripts" if sys.platform == "win32" else "bin")
        self.python = self.scripts / ("python.exe" if sys.platform == "win32" else "python")

    def ensure(self, locks: Sequence[str], needs: Sequence[Need]) -> Path:
        """The environment's Python, after installing what is missing; raises SetupFailed with what to do."""
        if self.is_ready(locks, needs):
            return self.python
        with _alone(self.folder.with_name(self.folder.name + ".lock")):
            if not self.is_ready(locks, needs):  # another dev.py may have made it while we waited
                provide(needs)
                self._make(locks, needs)
        return self.python

    def is_ready(self, locks: Sequence[str], needs: Sequence[Need] = ()) -> bool:
        stamp = self._whole_stamp()
        return (
            stamp is not None
            and all(stamp["locks"].get(name) == lock_hash(name) for name in locks)
            and {need.package for need in needs} <= set(stamp["system"])
        )

    def _whole_stamp(self) -> dict[str, dict[str, str]] | None:
        """What the environment says is in it; None if it is not finished, was moved, or lost some of that."""
        try:
            stamp = json.loads(self.stamp.read_text("utf-8"))
            present = set(_names(self.folder / stamp["site"]))
            whole = stamp["root"] == str(ROOT) and set(stamp["contents"]) <= present and self.python.exists()
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return stamp if whole else None

    def _make(self, locks: Sequence[str], needs: Sequence[Need]) -> None:
        started = time.monotonic()
        stamp = self._whole_stamp()
        current = stamp["locks"] if stamp else {}
        if any(lock_hash(name) != known for name, known in current.items()):
            stamp, current = None, {}  # a new lock may have dropped packages: only a new environment is the lock
        if stamp is None:
            self._create()
        self._write_stamp(UNFINISHED)
        missing = [name for name in locks if name not in current]
        if missing:
            self._install(missing)
        site = self._site()
        if self.product:
            self._add_product(site)
        self._write_stamp(
            {
                "root": str(ROOT),
                "site": site.relative_to(self.folder).as_posix(),
                "locks": {name: lock_hash(name) for name in {*current, *locks}},
                "system": sorted({need.package for need in needs} | set(stamp["system"] if stamp else ())),
                "contents": sorted(_names(site)),
            }
        )
        seconds = time.monotonic() - started
        print(f"{self.folder.name} is ready: {megabytes(self.folder):.0f} MB, in {seconds:.0f} s", flush=True)

    def _create(self) -> None:
        """An empty environment in the place of whatever is there; what is not ours is kept under another name."""
        if self.stamp.exists():
            print(f"{self.folder.name} is not finished, or not up to date: it is made again", flush=True)
            shutil.rmtree(self.folder)
        elif self.folder.is_symlink() or (self.folder.exists() and not _is_empty(self.folder)):
            kept = next(
                name for n in range(1, 1000) if not (name := self.folder.with_name(f"{self.folder.name}-old{n}")).exists()
            )
            print(f"{self.folder.name} was not made by this command: it is kept as {kept.name}", flush=True)
            self.folder.rename(kept)
        self.folder.mkdir(exist_ok=True)
        self._write_stamp(UNFINISHED)
        base: str = getattr(sys, "_base_executable", sys.executable)  # ours may be the one that was just removed
        made = subprocess.run(
            [base, "-m", "venv", str(self.folder)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if made.returncode != 0:
            raise SetupFailed(f"{made.stdout.strip()}\n\n`{base} -m venv` failed: its reason is above.")

    def _install(self, locks: Sequence[str]) -> None:
        files = [LOCKS / f"{name}.txt" for name in locks]
        print(f"{self.folder.name}: installing {' and '.join(locks)} with {self.python}", flush=True)
        command = [
            str(self.python),
            "-m",
            "pip",
            "install",
            "--require-hashes",
            "--only-binary",
            ":all:",
            "--retries",
            "3",
        ]
        command += ["--progress-bar", "off", "--disable-pip-version-check", "--no-input"]
        command += [word for file in files for word in ("-r", str(file))]
        log = self.folder / "dtaas-install.log"
        with log.open("w", encoding="utf-8") as words:
            code = follow_pip(command, pins(files), self.folder, words)
        if code == 0:
            return
        said = log.read_text("utf-8")
        if NO_NETWORK.search(said):
            raise SetupFailed(
                f"No network: the packages could not be fetched (pip's words: {log}). Connect, then run this again."
            )
        errors = [line for line in said.splitlines() if line.startswith("ERROR")]
        raise SetupFailed("\n".join([*errors, f"pip could not install the packages; all its words: {log}"]))

    def _site(self) -> Path:
        pattern = "Lib/site-packages" if sys.platform == "win32" else "lib/python3*/site-packages"
        return next(self.folder.glob(pattern))

    def _add_product(self, site: Path) -> None:
        """What `pip install -e .` would do, without a build: a path file, and the entry point of pyproject.toml."""
        encoding = "utf-8" if sys.version_info >= (3, 13) else locale.getencoding()  # as Python reads path files
        (site / "dtaas-desktop.pth").write_text(f"{ROOT}\n", encoding)
        if sys.platform == "win32":
            (self.scripts / "dtaas-desktop.cmd").write_text('@"%~dp0python.exe" -P -m dtaas_desktop %*\n', "ascii")
        else:
            command = self.scripts / "dtaas-desktop"
            command.write_text(f'#!/bin/sh\nexec {shlex.quote(str(self.python))} -P -m dtaas_desktop "$@"\n', "utf-8")
            command.chmod(0o755)

    def _write_stamp(self, stamp: Mapping[str, object]) -> None:
        new = self.stamp.with_suffix(".new")
        new.write_text(json.dumps(stamp, indent=1), "utf-8")
        new.replace(self.stamp)


def product_environment() -> Environment:
    return Environment(ROOT / ".venv", product=True)


def lock_hash(name: str) -> str:
    return hashlib.sha256((LOCKS / f"{name}.txt").read_bytes()).hexdigest()


def pins(files: Sequence[Path]) -> int:
    """How many packages the lock files name together; one that two of them name counts once."""
    lines = (line for file in files for line in file.read_text("utf-8").splitlines())
    return len({line.rstrip("\\ ") for line in lines if line and line[0] not in "# "})


def follow_pip(command: Sequence[str], total: int, folder: Path, log: IO[str]) -> int:
    """Run pip, keep its words in `log`, and show one line a package: which of how many, and its size."""
    surroundings = {**os.environ, "PIP_USER": "0", "PYTHONUTF8": "1", "PYTHONUNBUFFERED": "1"}
    number = 0
    with subprocess.Popen(
        command,
        env=surroundings,
        close_fds=False,  # pip holds the lock too, and keeps it if only we are killed
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    ) as pip:
        assert pip.stdout is not None
        for line in pip.stdout:
            log.write(line)
            word, _, rest = line.strip().partition(" ")
            if word == "Ignoring":  # its marker is for another platform
                total -= 1
            elif line.startswith("Requirement already satisfied"):
                number += 1
            elif fetched := re.search(r"(?:Downloading|Using cached) (\S+?)-(\d\S*?)-\S+\.whl \(([^)]*)\)", line):
                number += 1
                print(f"  {number:>3} of {total}  {fetched[1].replace('_', '-')} {fetched[2]}  {fetched[3]}", flush=True)
            elif line.startswith("Installing collected packages"):
                _watch_unpacking(pip, len(rest.split(",")), folder)
        return pip.wait()


def _watch_unpacking(pip: "subprocess.Popen[str]", packages: int, folder: Path) -> None:
    """pip says nothing while it unpacks: show the growing folder instead."""
    print(f"  unpacking {packages} packages", flush=True)
    while sys.stdout.isatty() and pip.poll() is None:
        print(f"\r  {megabytes(folder):.0f} MB", end="", flush=True)
        time.sleep(0.5)
    if sys.stdout.isatty():
        print(f"\r{'':12}\r", end="")


def megabytes(folder: Path) -> float:
    total = 0
    for place, _, files in os.walk(folder):
        for name in files:
            with contextlib.suppress(OSError):  # gone meanwhile
                total += Path(place, name).lstat().st_size
    return total / 1e6


def _names(folder: Path) -> Iterator[str]:
    return (entry.name for entry in folder.iterdir())


def _is_empty(folder: Path) -> bool:
    return folder.is_dir() and not any(folder.iterdir())


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold a lock that the system frees when its process, and pip if that outlives it, ends in whatever way."""
    with path.open("a+b") as file:
        os.set_inheritable(file.fileno(), True)
        while not _locked(file):
            print("waiting: another dev.py is setting up the same environment", flush=True)
            time.sleep(2)
        yield


def _locked(file: IO[bytes]) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
