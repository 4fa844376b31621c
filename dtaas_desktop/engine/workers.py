"""Where jobs run. Both answers are a `concurrent.futures.Executor`, so that nothing else need know which it is."""

import os
from concurrent.futures import Executor, ThreadPoolExecutor


def threads(count: int) -> Executor:
    """Threads of this process; 0 means one per processor."""
    return ThreadPoolExecutor(count or processors(), thread_name_prefix="part")


def processors() -> int:
    """Processors that this process may use, at least one."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0)) or 1
    return os.cpu_count() or 1
