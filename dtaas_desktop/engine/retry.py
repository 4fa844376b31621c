"""Trying again what may work in a moment."""

import random
from collections.abc import Callable, Iterator
from typing import TypeVar

from dtaas_desktop.domain.errors import StagedLost, TransientError
from dtaas_desktop.engine.cancel import CancelToken

_T = TypeVar("_T")


def pauses(retries: int) -> Iterator[float]:
    """Seconds to wait before each try after the first: half a second doubling up to thirty, with up to a quarter of jitter."""
    for attempt in range(retries):
        yield min(0.5 * 2.0**attempt, 30.0) * random.uniform(1.0, 1.25)


def retried(call: Callable[[], _T], *, retries: int, cancel: CancelToken, tell: Callable[[TransientError, float], None]) -> _T:
    """`call()`, tried again on TransientError; the last is raised. StagedLost is for the caller: waiting helps nothing."""
    for pause in pauses(retries):
        try:
            return call()
        except StagedLost:
            raise
        except TransientError as error:
            tell(error, pause)
            cancel.wait(pause)
    return call()
