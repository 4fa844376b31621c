"""Making the lock files: every version and every hash, for all platforms at once."""

import re
import subprocess
import sys
import tempfile
import tomllib
import venv
from collections.abc import Sequence
from pathlib import Path

from dev_environment import LOCKS, ROOT
from dev_system import ENVIRONMENTS, provide

PIN = re.compile(r"([a-z0-9-]+)==\S+(?: ; [^\\]*)?", re.ASCII)

# Each is whole by itself and agrees with those before it: name, what it adds, and the locks it must agree with.
RECIPES: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("core", ("pyproject.toml",), ()),
    ("app", ("pyproject.toml", "--extra", "app"), ("core",)),
    ("dev", ("pyproject.toml", "--extra", "dev"), ("core", "app")),
    ("build", ("pyproject.toml", "--extra", "build"), ("core", "app", "dev")),
    ("bench", ("--group", "bench"), ("core", "app", "dev")),
)


def compile_locks(arguments: Sequence[str]) -> int:
    """Write packaging/locks; `arguments` go to uv (--upgrade, --upgrade-package NAME). Needs the network."""
    provide([ENVIRONMENTS])
    with tempfile.TemporaryDirectory() as scratch:
        venv.create(scratch, with_pip=True)
        scripts = Path(scratch) / ("Scripts" if sys.platform == "win32" else "bin")
        subprocess.run([scripts / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "uv"], check=True)
        for name, inputs, earlier in RECIPES:
            print(f"packaging/locks/{name}.txt", flush=True)
            command = [str(scripts / "uv"), "pip", "compile", "--quiet", "--universal", "--python-version", "3.11"]
            command += ["--generate-hashes", "--no-emit-index-url", "--no-emit-find-links"]
            command += ["--custom-compile-command", "python3 packaging/dev.py lock", "--constraints", "-"]
            command += ["--output-file", f"packaging/locks/{name}.txt", *inputs, *arguments]
            agreed = "\n".join(constraints(earlier, but=_pinned(inputs)))
            done = subprocess.run(command, cwd=ROOT, input=agreed, text=True, check=False)
            if done.returncode != 0:
                return done.returncode
    return 0


def constraints(locks: Sequence[str], *, but: frozenset[str] = frozenset()) -> list[str]:
    """The lines `name==version ; marker` of these locks, without the packages in `but`."""
    lines = [line for name in locks for line in (LOCKS / f"{name}.txt").read_text("utf-8").splitlines()]
    found = [match for line in lines if (match := PIN.match(line))]
    return sorted({match[0].strip() for match in found if match[1] not in but})


def _pinned(inputs: Sequence[str]) -> frozenset[str]:
    """What a dependency group pins for itself: the peers' DuckDB is older than ours on purpose."""
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["dependency-groups"]
    chosen = [requirement for group, requirements in groups.items() if group in inputs for requirement in requirements]
    return frozenset(name for name, _, version in (line.partition("==") for line in chosen) if version)
