"""What one command costs: time, processor time and memory, of it and of all processes that it starts."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

import psutil

_SAMPLE_SECONDS = 0.02
_LOOK_FOR_CHILDREN = 10  # samples; looking goes through all processes of the machine
_TIMED_OUT = "stopped: it took longer than {:.0f} s"


@dataclass(frozen=True, slots=True)
class Cost:
    """Wall and processor seconds (user and system) and the peak of resident memory in bytes, summed over the process tree.

    The peak is sampled every 20 ms: what comes and goes between two samples is not seen. `said` is what the command printed.
    """

    seconds: float
    cpu: float
    peak: int
    code: int
    said: str


def cost(command: Sequence[str | Path], *, timeout: float, environment: Mapping[str, str] | None = None) -> Cost:
    """Run a command to its end and measure it. It is stopped, with what it started, after `timeout` seconds."""
    with TemporaryFile() as output:
        started = time.perf_counter()
        process = subprocess.Popen(
            [str(word) for word in command],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        watch = _Watch(process.pid, timeout)
        try:
            cpu = _wait(process)
        finally:
            seconds = time.perf_counter() - started
            watch.end()
        output.seek(0)
        said = output.read().decode(errors="replace").strip()
    if watch.timed_out:
        said = _TIMED_OUT.format(timeout)
    code = process.returncode
    return Cost(seconds, watch.cpu if cpu is None else cpu, watch.peak, code, said)


def _wait(process: "subprocess.Popen[bytes]") -> float | None:
    """Wait for the end; the processor time of the process and of all it waited for, where the system tells."""
    if sys.platform == "win32":
        process.wait()
        return None
    else:  # noqa: RET505 (mypy reads only the branch of its own platform)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        return usage.ru_utime + usage.ru_stime


class _Watch:
    """Samples a process tree from a thread of its own, and ends it when its time is over."""

    def __init__(self, pid: int, timeout: float) -> None:
        self.peak = 0
        self.cpu = 0.0  # as last seen
        self.timed_out = False
        self._deadline = time.monotonic() + timeout
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._sample, args=(pid,))
        self._thread.start()

    def end(self) -> None:
        self._over.set()
        self._thread.join()

    def _sample(self, pid: int) -> None:
        children: list[psutil.Process] = []
        count = 0
        with suppress(psutil.Error):  # it ended
            process = psutil.Process(pid)
            while True:
                if count % _LOOK_FOR_CHILDREN == 0:
                    children = process.children(recursive=True)
                self._look([process, *children])
                if time.monotonic() > self._deadline:
                    self.timed_out = True
                    for each in (process, *children):
                        with suppress(psutil.Error):
                            each.kill()
                    return
                count += 1
                if self._over.wait(_SAMPLE_SECONDS):
                    return

    def _look(self, processes: Sequence[psutil.Process]) -> None:
        resident, cpu = 0, 0.0
        for process in processes:
            with suppress(psutil.Error):  # it ended
                resident += process.memory_info().rss
                times = process.cpu_times()
                cpu += times.user + times.system
        self.peak = max(self.peak, resident)
        self.cpu = max(self.cpu, cpu)
