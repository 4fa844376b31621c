"""The program as processes forked from one that has imported everything: they start in milliseconds, not in a second.

Hundreds of crash tests run it; what they prove lies after the imports. Where a start of its own matters, `House.start` makes one.
"""

import atexit
import importlib
import json
import os
import pkgutil
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

_ALSO = (
    "pyarrow.parquet",
    "pyarrow.compute",
    "pyarrow.csv",
    "pandas",
    "alembic.command",
    "rich.console",
    "rich.table",
    "rich.live",
)


@dataclass
class Forked:
    """One such process, of this test process; it ends with it, because its input does."""

    server: "subprocess.Popen[bytes]"

    def run(
        self, order: Mapping[str, Any], arguments: Sequence[str], environment: Mapping[str, str], seconds: float
    ) -> tuple[int, str, str]:
        """Exit code (negative: the signal), output, errors."""
        with tempfile.TemporaryDirectory() as folder:
            out, err = Path(folder, "out"), Path(folder, "err")
            asked = {"order": order, "arguments": arguments, "environment": environment, "out": str(out), "err": str(err)}
            assert self.server.stdin is not None
            self.server.stdin.write(json.dumps(asked).encode() + b"\n")
            process = self._answer(60)
            try:
                code = self._answer(seconds)
            except TimeoutError:
                os.kill(process, signal.SIGKILL)
                self._answer(60)
                raise
            return code, out.read_text(encoding="utf-8"), err.read_text(encoding="utf-8")

    def _answer(self, seconds: float) -> int:
        assert self.server.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self.server.stdout, selectors.EVENT_READ)
            if not selector.select(seconds):
                raise TimeoutError(f"the program did not end within {seconds} s")
        return int(self.server.stdout.readline())


@cache
def forked() -> Forked:
    """The one of this test process."""
    root = Path(__file__).parent.parent.parent
    server = subprocess.Popen(
        [sys.executable, str(Path(__file__))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,  # so that the selector sees all that is there
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(root), "PYTHONWARNINGS": "error"},
    )
    atexit.register(_end, server)
    return Forked(server)


def _end(server: "subprocess.Popen[bytes]") -> None:
    assert server.stdin is not None
    server.stdin.close()
    server.wait()


def _serve() -> int:
    import dtaas_desktop

    for module in pkgutil.walk_packages(dtaas_desktop.__path__, "dtaas_desktop."):
        if not module.name.startswith(("dtaas_desktop.ui", "dtaas_desktop.__main__")) and "migrations" not in module.name:
            importlib.import_module(module.name)
    for name in _ALSO:
        importlib.import_module(name)
    for line in sys.stdin:
        asked = json.loads(line)
        process = os.fork()
        if process == 0:
            return _child(asked)
        os.write(1, b"%d\n" % process)
        _, status = os.waitpid(process, 0)
        os.write(1, b"%d\n" % os.waitstatus_to_exitcode(status))
    return 0


def _child(asked: dict[str, Any]) -> int:
    from tests.cli.driven import driven

    for path, descriptor in ((os.devnull, 0), (asked["out"], 1), (asked["err"], 2)):
        opened = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(opened, descriptor)
        os.close(opened)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115  # the server's has lines in its buffer
    os.environ.clear()
    os.environ.update(asked["environment"])
    time.tzset()
    return driven(asked["order"], asked["arguments"])


if __name__ == "__main__":
    sys.exit(_serve())
