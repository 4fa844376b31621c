"""The log of a run: the lines that its events come to, for a person who reads it afterwards."""

from dtaas_desktop.domain.events import (
    Event,
    Notice,
    PartDone,
    RunFinished,
    RunStarted,
    TableFailed,
    TablePublished,
)

Line = tuple[str, str, str]  # level, table, message


def line_of(event: Event) -> Line | None:
    """What an event is in the log; None for what is only progress."""
    match event:
        case Notice():
            return event.level, event.table, event.message
        case RunStarted():
            return "info", "", f"Run of task “{event.task}” with {_counted(event.tables, 'table run')}."
        case PartDone():
            return "info", event.table, _part(event)
        case TablePublished():
            return "info", event.table, _published(event)
        case TableFailed():
            return "error", event.table, f"{event.target}: {event.message} {event.remedy}".strip()
        case RunFinished():
            level = "info" if event.state in ("done", "paused", "cancelled") else "error"
            read = _counted(event.counts.read, "row")
            return (
                level,
                "",
                f"{event.state.capitalize()} in {event.seconds:.1f} s: {read} read, {event.counts.written:,} written.",
            )
        case _:
            return None


def _part(event: PartDone) -> str:
    what = "Changes" if event.part == "changes" else f"Part {event.part}"
    return f"{what}: {_counted(event.rows, 'row')} staged, {_size(event.bytes)}, in {event.seconds:.1f} s."


def _published(event: TablePublished) -> str:
    published, counts = event.published, event.counts
    what = _counted(counts.read, "change") if event.kind == "changes" else _counted(counts.written, "row")
    said = f"Published {what} to {event.connection}/{published.target}, revision {published.revision}"
    if counts.rejected:
        said += f"; {_counted(counts.rejected, 'row')} rejected"
    return said + (f"; up to position {event.position}." if event.position is not None else ".")


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'s' if count != 1 else ''}"


def _size(size: int) -> str:
    return f"{size / 1e6:,.1f} MB" if size >= 100_000 else f"{size:,} bytes"
