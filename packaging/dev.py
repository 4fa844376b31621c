"""Every command for people who run or change DTaaS Desktop: python3 packaging/dev.py COMMAND.

It needs Python 3.11 and nothing else. The first use of a command makes the environment that the command needs
(dev_environment.py), with the system's libraries where they are missing (dev_system.py); later uses start at once.
"""

import sys

# Before anything that an older Python could stumble over: this file must stay readable for all of them.
if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit(
        "DTaaS Desktop needs Python 3.11 or newer, and %s is Python %d.%d: run this command with a newer one."  # noqa: UP031
        % (sys.executable, sys.version_info[0], sys.version_info[1])
    )

import argparse
import os
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from dev_environment import ROOT, Environment, product_environment
from dev_locks import compile_locks
from dev_system import NEEDS, SetupFailed


def app(arguments: Sequence[str]) -> int:
    """Open the window; arguments go to the application (--workspace FOLDER)."""
    python = product_environment().ensure(["core", "app"], NEEDS["app"])
    return hand_over([python, "-P", "-m", "dtaas_desktop", *arguments])


def demo(arguments: Sequence[str]) -> int:
    """Move the sample's flights from SQLite to Parquet, CSV and DuckDB, in ./demo-workspace; with a display, show the window on it."""
    with_window = has_display()
    extras = ["core", "app"] if with_window else ["core"]
    python = product_environment().ensure(extras, NEEDS["app" if with_window else "demo"])
    program: list[str | Path] = [python, "-P", "-m", "dtaas_desktop", "--workspace", ROOT / "demo-workspace"]
    run_sample = [*program, "--run-sample", *arguments]
    if not with_window:
        return hand_over(run_sample)
    code = subprocess.run(run_sample, check=False).returncode
    return code if code != 0 else hand_over(program)


def test(arguments: Sequence[str]) -> int:
    """Run the tests on all cores; arguments go to pytest (a path, -k, -n, --pdb, ...)."""
    python = product_environment().ensure(["core", "app", "dev"], NEEDS["test"])
    own_choice = any(argument.startswith(("-n", "--numprocesses", "--pdb", "--trace")) for argument in arguments)
    workers = [] if own_choice else ["-n", str(usable_cores()), "--dist", "worksteal"]
    os.chdir(ROOT)
    return hand_over([python, "-m", "pytest", *workers, *arguments])


def check(arguments: Sequence[str]) -> int:
    """Check format, lint, types and layers; with --fix, format and mend first what can be mended."""
    parser = argparse.ArgumentParser(prog="dev.py check", description=check.__doc__)
    parser.add_argument("--fix", action="store_true", help="format, and apply ruff's safe fixes, before checking")
    fix = parser.parse_args(arguments).fix
    python = product_environment().ensure(["core", "app", "dev"], NEEDS["check"])
    tools = python.parent
    if fix:
        subprocess.run([tools / "ruff", "check", "--fix-only", "--quiet", "."], cwd=ROOT, check=False)
        subprocess.run([tools / "ruff", "format", "--quiet", "."], cwd=ROOT, check=False)
    results = [
        passes("ruff format", [tools / "ruff", "format", "--check", "--output-format", "concise", "."]),
        passes("ruff check", [tools / "ruff", "check", "."]),
        passes("mypy --strict", [tools / "mypy"]),
        passes("lint-imports", [tools / "lint-imports", "--no-logo"]),
    ]
    return 0 if all(results) else 1


def bench(arguments: Sequence[str]) -> int:
    """Compare with DuckDB's scanner, connectorx, ADBC and plain sqlite3; arguments go to the benchmarks."""
    product = product_environment().ensure(["core", "app"], NEEDS["bench"])
    peers = Environment(ROOT / ".venv-bench").ensure(["bench"], NEEDS["bench"])
    os.environ["DTAAS_PRODUCT_PYTHON"] = str(product)
    return hand_over([peers, ROOT / "packaging" / "benchmarks" / "run.py", *arguments])


def screenshots(arguments: Sequence[str]) -> int:
    """Take a picture of every page in its states, both themes and three scales, into build/screenshots."""
    python = product_environment().ensure(["core", "app", "dev"], NEEDS["screenshots"])
    return hand_over([python, ROOT / "packaging" / "screenshots.py", *arguments])


def build(arguments: Sequence[str]) -> int:
    """Make the PyInstaller application in dist/ and try it; --only-smoke-test tries the one that is there."""
    parser = argparse.ArgumentParser(prog="dev.py build", description=build.__doc__)
    parser.add_argument("--only-smoke-test", action="store_true", help="do not build")
    only_smoke_test = parser.parse_args(arguments).only_smoke_test
    python = product_environment().ensure(["core", "app", "build"], NEEDS["build"])
    if not only_smoke_test:
        places = ["--distpath", ROOT / "dist", "--workpath", ROOT / "build", ROOT / "packaging" / "dtaas.spec"]
        command = [python, "-P", "-m", "PyInstaller", "--noconfirm", "--log-level", "WARN", *places]
        done = subprocess.run(list(map(str, command)), cwd=ROOT, check=False)
        if done.returncode != 0:
            return done.returncode
    return hand_over([python, ROOT / "packaging" / "smoke_test.py"])


def servers(arguments: Sequence[str]) -> int:
    """Start a stand-in to try the application on: sqlserver, with the sample's tables; --port, --folder and --tls follow it."""
    parser = argparse.ArgumentParser(prog="dev.py servers", description=servers.__doc__)
    parser.add_argument("name", choices=["sqlserver"])
    name = parser.parse_args(arguments[:1]).name
    python = product_environment().ensure(["core"], NEEDS["demo"])
    os.chdir(ROOT)
    return hand_over([python, "-m", f"tests.servers.{name}", *arguments[1:]])


def lock(arguments: Sequence[str]) -> int:
    """Write packaging/locks anew from pyproject.toml; --upgrade takes the newest versions of everything."""
    return compile_locks(arguments)


COMMANDS: dict[str, Callable[[Sequence[str]], int]] = {
    "demo": demo,
    "app": app,
    "test": test,
    "check": check,
    "bench": bench,
    "screenshots": screenshots,
    "build": build,
    "servers": servers,
    "lock": lock,
}


def passes(name: str, command: Sequence[str | Path]) -> bool:
    """Run one checking tool, and show its name, result and time, and its words when it objects."""
    started = time.monotonic()
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    result = "ok" if done.returncode == 0 else "FAILED"
    print(f"{name:<14} {result:<6} {time.monotonic() - started:6.1f} s", flush=True)
    if done.returncode != 0:
        print(done.stdout.decode(errors="replace"), flush=True)
    return done.returncode == 0


def has_display() -> bool:
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def usable_cores() -> int:
    if sys.platform == "linux":  # a container may be allowed fewer than there are
        return len(os.sched_getaffinity(0))
    else:  # noqa: RET505 (mypy reads only the branch of its own platform)
        return os.cpu_count() or 1


def hand_over(command: Sequence[str | Path]) -> int:  # noqa: RET503 (execv does not return)
    """Become the command, where the system can: signals and the exit code are then the command's own."""
    words = [str(word) for word in command]
    sys.stdout.flush()
    if sys.platform == "win32":
        return subprocess.call(words)
    os.execv(words[0], words)


def main(arguments: Sequence[str]) -> int:
    width = max(map(len, COMMANDS))
    helps = "\n".join(f"  {name:<{width}}  {command.__doc__}" for name, command in COMMANDS.items())
    parser = argparse.ArgumentParser(
        prog="dev.py",
        usage="python3 packaging/dev.py COMMAND [arguments]",
        description=f"commands:\n{helps}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", choices=COMMANDS, help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments[:1]).command
    try:
        return COMMANDS[chosen](arguments[1:])
    except SetupFailed as failure:
        print(failure, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
