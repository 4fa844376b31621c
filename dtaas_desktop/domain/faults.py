"""Named steps at which a test may stop the program; outside tests each is one comparison with None.

The names are the order of operations of staging and publishing, so a crash matrix can walk through all of them.
"""

from collections.abc import Callable

hook: Callable[[str], None] | None = None


def reach(step: str) -> None:
    """Tell the test, if there is one, that `step` comes next; the test may raise or kill the process here."""
    if hook is not None:
        hook(step)
