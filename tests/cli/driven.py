"""The program, run as a process of its own and stopped at a named step. Usage: driven.py '<JSON>' ARGUMENTS...

{"record": FILE}                 write every step reached to FILE, a line each
{"kill": N}                      SIGKILL before the Nth step (from 0)
{"hold": STEP, "gate": FILE}     at the first step whose name begins with STEP, make FILE.held and wait until FILE exists
"""

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from dtaas_desktop.cli.main import main
from dtaas_desktop.domain import faults


def hook_for(order: dict[str, Any]) -> Callable[[str], None]:
    lock = threading.Lock()
    reached: list[str] = []

    def hook(step: str) -> None:
        with lock:
            reached.append(step)
            number = len(reached) - 1
            if "record" in order:
                with Path(order["record"]).open("a", encoding="utf-8") as file:
                    file.write(step + "\n")
        if order.get("kill") == number:
            os.kill(os.getpid(), signal.SIGKILL)
        if "hold" in order and step.startswith(order["hold"]):
            gate = Path(order["gate"])
            gate.with_suffix(".held").touch()
            while not gate.exists():
                time.sleep(0.01)

    return hook


def driven(order: dict[str, Any], arguments: Sequence[str]) -> int:
    """The exit code of the program, stopped as `order` says."""
    faults.hook = hook_for(order)
    code = main(arguments)
    if any(name.split(".")[0] in ("PySide6", "pyqtgraph") for name in sys.modules):
        sys.exit("Qt was loaded")
    return code


if __name__ == "__main__":
    sys.exit(driven(json.loads(sys.argv[1]), sys.argv[2:]))
