"""Telling a run: progress bars in a terminal, plain lines in a pipe, JSON lines on request."""

import datetime
import json
import time
from dataclasses import replace
from typing import Protocol, TextIO

from dtaas_desktop.cli.option_hints import with_options
from dtaas_desktop.domain.events import (
    Event,
    Notice,
    RunFinished,
    RunStarted,
    TableFailed,
    TableProgress,
    TablePublished,
    TableStarted,
    to_dict,
)

PLAIN_PROGRESS_SECONDS = 5.0


class Console(Protocol):
    """Shows events while it is entered, and a summary at the end."""

    def __enter__(self) -> "Console": ...
    def __exit__(self, *_: object) -> None: ...
    def tell(self, event: Event) -> None: ...


def console_for(*, as_json: bool, out: TextIO) -> Console:
    """The console that fits where the output goes."""
    if as_json:
        return JsonLines(out)
    if out.isatty():
        from dtaas_desktop.cli.progress_bars import ProgressBars

        return ProgressBars()
    return PlainLines(out)


class JsonLines:
    """Every event as one JSON object a line."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def __enter__(self) -> "JsonLines":
        return self

    def __exit__(self, *_: object) -> None:
        self._out.flush()

    def tell(self, event: Event) -> None:
        print(json.dumps(to_dict(event), ensure_ascii=False), file=self._out, flush=True)


class PlainLines:
    """What matters, a line each; progress of a table at most every five seconds."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._summary = Summary()
        self._told: dict[str, float] = {}

    def __enter__(self) -> "PlainLines":
        return self

    def __exit__(self, *_: object) -> None:
        self._out.flush()

    def tell(self, event: Event) -> None:
        self._summary.take(event)
        for line in self._lines(event):
            print(line, file=self._out, flush=True)

    def _lines(self, event: Event) -> list[str]:
        match event:
            case RunStarted():
                return [f"Task “{event.task}”: {event.tables} table run{'s' if event.tables != 1 else ''}"]
            case TableStarted():
                rows = f", about {event.rows_estimate:,} rows" if event.rows_estimate is not None else ""
                return [f"  {event.table} → {event.connection}/{event.target}{rows}"]
            case TableProgress():
                return self._progress(event)
            case Notice():
                return [f"  {event.level}: {with_options(event.message)}"]
            case RunFinished():
                return self._summary.lines(event)
            case _:
                return outcome_lines(event)

    def _progress(self, event: TableProgress) -> list[str]:
        now = time.monotonic()
        if now - self._told.setdefault(event.table_run, now) < PLAIN_PROGRESS_SECONDS:
            return []
        self._told[event.table_run] = now
        figures = [f"{event.counts.read:,} rows read", f"{event.rows_per_second:,.0f} rows/s"]
        if event.percent is not None:
            figures.insert(0, f"{event.percent:.0f} %")
        if event.seconds_left is not None:
            figures.append(f"{event.seconds_left:.0f} s left")
        return [f"  {event.table} → {event.target}: {', '.join(figures)}"]


def outcome_lines(event: Event) -> list[str]:
    """How one table run ended, in a line or two; nothing for other events."""
    if isinstance(event, TablePublished):
        target = f"{event.connection}/{event.published.target}"
        if event.kind == "changes":
            return [f"  {event.table} → {target}: {changes_text(event)}"]
        return [f"  {event.table} → {target}: {event.counts.written:,} rows in {event.seconds:.1f} s"]
    if isinstance(event, TableFailed):
        return [
            f"  {event.table} → {event.target} FAILED: {event.message}",
            *([f"    {with_options(event.remedy)}"] if event.remedy else []),
        ]
    return []


def changes_text(event: TablePublished) -> str:
    """What a change turn brought, and up to when."""
    count = event.counts.read
    text = f"{count:,} change{'s' if count != 1 else ''} in {event.seconds:.1f} s"
    if event.as_of is None:
        return text
    return f"{text}, up to date as of {datetime.datetime.fromtimestamp(event.as_of, datetime.UTC):%H:%M:%S} UTC"


class Summary:
    """Collects outcomes and says at the end what was done, where it lies, and a query to try."""

    def __init__(self) -> None:
        self._published: dict[tuple[str, str], TablePublished] = {}  # by table run and kind; turns are added up
        self._failed: list[TableFailed] = []

    def take(self, event: Event) -> None:
        if isinstance(event, TablePublished):
            known = self._published.get((event.table_run, event.kind))
            added = event if known is None else replace(event, counts=known.counts + event.counts)
            self._published[event.table_run, event.kind] = added
        elif isinstance(event, TableFailed):
            self._failed.append(event)

    def lines(self, finished: RunFinished) -> list[str]:
        lines = []
        if self._published:
            head = ("table", "to", "read", "filtered", "rejected", "written", "files", "size")
            rows = [_summary_row(event) for event in self._published.values()]
            widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
            lines += ["", *("  ".join(_aligned(row, widths)) for row in (head, *rows))]
        lines.append("")
        runs = {event.table_run for event in self._failed} | {table_run for table_run, _ in self._published}
        bad = len({event.table_run for event in self._failed})
        failed = f", {bad} of {len(runs)} table runs failed" if bad else ""
        lines.append(f"{finished.state.capitalize()} in {finished.seconds:.1f} s{failed}.")
        if self._published:
            lines.append("Where to look:")
            lines += [f"  {place}" for place in dict.fromkeys(event.published.location for event in self._published.values())]
            lines += ["A query to try (DuckDB):", f"  {next(iter(self._published.values())).published.query}"]
        return lines


def _summary_row(event: TablePublished) -> tuple[str, ...]:
    counts, published = event.counts, event.published
    return (
        event.table if event.kind == "load" else f"{event.table} (changes)",
        f"{event.connection}/{published.target}",
        f"{counts.read:,}",
        f"{counts.filtered:,}",
        f"{counts.rejected:,}",
        f"{counts.written:,}",
        f"{published.files:,}",
        size_text(published.bytes),
    )


def _aligned(row: tuple[str, ...], widths: list[int]) -> list[str]:
    return [cell.ljust(width) if i < 2 else cell.rjust(width) for i, (cell, width) in enumerate(zip(row, widths, strict=True))]


def size_text(size: int) -> str:
    """Bytes as people read them: 812 B, 3.4 MB."""
    amount = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000 or unit == "GB":
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    raise AssertionError(size)
