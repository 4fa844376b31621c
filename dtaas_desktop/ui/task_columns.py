"""The columns of the list of tasks."""

import time

from dtaas_desktop.domain.schedule import short_words
from dtaas_desktop.ui.tables import Column
from dtaas_desktop.ui.task_draft import TRANSFERS
from dtaas_desktop.ui.task_now import TaskNow
from dtaas_desktop.ui.words import NOTHING, moment


def _due_tip(now: TaskNow) -> str:
    return NOTHING if now.due is None else moment(now.due)


def _when_tip(now: TaskNow) -> str:
    run = now.latest
    if run is None:
        return "It never ran"
    ended = "" if run.finished_at is None else f"\nEnded {moment(run.finished_at)}"
    return f"Began {moment(run.started_at)}{ended}"


# What gives way first when the table is narrow: column number, and the width of the table below which it goes.
GIVING_WAY = ((2, 880), (4, 700), (1, 600), (6, 560))


COLUMNS: tuple[Column[TaskNow], ...] = (
    Column("Task", lambda now: now.task.name, "strong"),
    Column("Route", lambda now: now.route, "dim", width=180),
    Column("Transfer", lambda now: TRANSFERS[now.task.options.transfer][0], "dim", width=150),
    Column("Schedule", lambda now: short_words(now.task.schedule), "dim", tip=lambda now: now.schedule_words, width=130),
    Column("Next due", lambda now: now.due_words(time.time()), "dim", tip=_due_tip, width=90),
    Column("State", lambda now: now.state[0], "pill", tone=lambda now: now.state[1], width=124),
    Column("When", lambda now: now.when(time.time()), "dim", tip=_when_tip, width=92),
)
