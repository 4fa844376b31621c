"""A run and its table runs in words, for the page and as plain text. Nothing of Qt."""

import datetime
from collections.abc import Mapping, Sequence

from dtaas_desktop.domain.harm import Harm
from dtaas_desktop.domain.table import Counts, total
from dtaas_desktop.services.runs_view import RunRecord, TableRunRecord
from dtaas_desktop.ui.ticks import day_and_time
from dtaas_desktop.ui.tokens import Tone
from dtaas_desktop.ui.words import NOTHING, clock, duration, exact, moment, size, state_words

ORIGINS = {"command line": "Command line", "window": "Window", "schedule": "Schedule"}
_TABLE_STATES: dict[str, tuple[str, Tone]] = {"running": ("Loading", "accent"), "done": ("Published", "green")}
UNFORESEEN = "Something happened that nobody foresaw."
UNFORESEEN_REMEDY = "Copy the report and send it to the makers; run the task again meanwhile."


def title_of(run: RunRecord) -> str:
    """Nightly sales · 21 Nov, 02:00."""
    return f"{run.task_name} · {day_of(run.started_at)}"


def day_of(at: float) -> str:
    """21 Nov, 02:00; with the year unless it is this one."""
    then = datetime.datetime.fromtimestamp(at).astimezone()
    day, time_of_day = day_and_time(at).split(", ")
    year = f" {then.year}" if then.year != datetime.datetime.now().astimezone().year else ""
    return f"{day.partition(' ')[2]}{year}, {time_of_day}"


def run_state(run: RunRecord) -> tuple[str, Tone]:
    """In a word, with its tone."""
    if run.state == "running":
        if run.request is not None:
            return ("Pausing", "amber") if run.request == "pause" else ("Cancelling", "quiet")
        return state_words("following" if run.following else "running")
    return state_words(run.state)


def table_state(one: TableRunRecord) -> tuple[str, Tone]:
    """In a word, with its tone; a table run speaks of loading and publishing."""
    if one.state == "running" and one.kind == "changes":
        return "Applying", "accent"
    return _TABLE_STATES.get(one.state) or state_words(one.state)


def table_percent(one: TableRunRecord) -> float | None:
    """0 to 100 for the bar."""
    if one.state == "done":
        return 100.0
    if one.percent is not None:
        return one.percent
    if one.parts and one.parts_done:
        return 100 * one.parts_done / one.parts
    return None if one.state == "running" else 0.0


def seconds_of(run: RunRecord, now: float) -> float:
    """How long it has taken, or takes already."""
    return max(0.0, (run.finished_at if run.finished_at is not None else now) - run.started_at)


def failure_of(run: RunRecord) -> tuple[str, str]:
    """What ended the whole run, and what to do; empty texts if nothing did. A traceback is for the report alone."""
    if "bug" in run.failures and "Traceback" in run.message:
        return UNFORESEEN, UNFORESEEN_REMEDY
    return run.message, run.remedy


def failure_of_table(one: TableRunRecord) -> tuple[str, str]:
    """As `failure_of`, of a table run."""
    if "Traceback" in one.message:
        return UNFORESEEN, UNFORESEEN_REMEDY
    return one.message, one.remedy


def report(run: RunRecord, tables: Sequence[TableRunRecord], costs: Mapping[str, Harm] | None = None) -> str:
    """The run as plain text: what was done, where it lies, a query to try, and what failed."""
    state = run_state(run)[0]
    ended = f", ended {moment(run.finished_at)}" if run.finished_at is not None else ""
    host = f" on {run.host}" if run.host else ""
    took = duration(seconds_of(run, run.finished_at or run.seen_at or run.started_at))
    lines = [
        f"{run.task_name}: {state.lower()}",
        f"Began {moment(run.started_at)}{ended}, {took}; started by {ORIGINS.get(run.origin, run.origin).lower()}{host}.",
        f"Run {run.id}",
    ]
    if run.message:
        lines += ["", run.message, *([run.remedy] if run.remedy else [])]
    if tables:
        lines += ["", *_table_of(tables)]
        counts = total([one.counts for one in tables])
        lines += ["", f"Together: {_counts_words(counts)}, {size(sum(one.bytes for one in tables))}."]
    told = list(dict.fromkeys(f"  {one.source_table}: {line}" for one in tables for line in one.fidelity.splitlines()))
    if told:
        lines += ["", "What does not arrive as one exact column:", *told]
    if costs:
        lines += ["", *cost_lines(costs)]
    failed = [one for one in tables if one.message]
    if failed:
        lines += ["", "What failed:", *(line for one in failed for line in _failed_lines(one))]
    published = [one for one in tables if one.location]
    if published:
        lines += ["", "Where to look:", *(f"  {place}" for place in dict.fromkeys(one.location for one in published))]
        lines += ["A query to try:", f"  {published[0].query}"]
    return "\n".join(lines) + "\n"


def table_report(run: RunRecord, one: TableRunRecord) -> str:
    """One table run as plain text."""
    lines = [
        f"{run.task_name}: {one.source_table} → {one.connection}/{one.target}: {table_state(one)[0].lower()}",
        f"Run {run.id}, began {moment(run.started_at)}",
        f"{_counts_words(one.counts)}, {one.parts_done} of {one.parts} parts.",
    ]
    if one.message:
        lines += _failed_lines(one)
    if one.location:
        lines += [f"  {one.location}", f"  {one.query}"]
    return "\n".join(lines) + "\n"


def cost_lines(costs: Mapping[str, Harm]) -> list[str]:
    """What reading cost each source, for whoever owns it."""
    return [f"Cost at “{connection}”: {harm.words}" for connection, harm in costs.items()]


def up_to(one: TableRunRecord) -> str:
    """Up to when the target holds what was committed at the source."""
    return NOTHING if one.as_of is None else clock(one.as_of)


def _counts_words(counts: Counts) -> str:
    said = f"{exact(counts.read)} read, {exact(counts.filtered)} filtered, {exact(counts.rejected)} rejected, {exact(counts.written)} written"
    return said + (f", {exact(counts.nulled)} cells NULL that did not fit" if counts.nulled else "")


def _failed_lines(one: TableRunRecord) -> list[str]:
    return [f"  {one.source_table} → {one.target}: {one.message}", *([f"    {one.remedy}"] if one.remedy else [])]


def _table_of(tables: Sequence[TableRunRecord]) -> list[str]:
    head = ("table", "to", "state", "read", "filtered", "rejected", "written", "files", "size")
    rows = [
        (
            one.source_table,
            f"{one.connection}/{one.target}",
            table_state(one)[0].lower(),
            exact(one.counts.read),
            exact(one.counts.filtered),
            exact(one.counts.rejected),
            exact(one.counts.written),
            exact(one.files),
            size(one.bytes),
        )
        for one in tables
    ]
    widths = [max(len(row[at]) for row in (head, *rows)) for at in range(len(head))]
    return [
        "  ".join(
            cell.ljust(width) if at < 3 else cell.rjust(width) for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in (head, *rows)
    ]
