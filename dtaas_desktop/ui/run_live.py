"""A run as it is being seen: what the metadata say, and what its process has told since. Nothing of Qt."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from dtaas_desktop.domain.table import Counts
from dtaas_desktop.services.runs_view import PartRecord, TableRunRecord

_RANK = {"waiting": 0, "running": 1, "paused": 2, "cancelled": 2, "interrupted": 2, "failed": 2, "done": 2}


def told(known: Mapping[str, TableRunRecord], event: Mapping[str, Any]) -> dict[str, TableRunRecord]:
    """The table runs after an event (domain.events.to_dict); those that the metadata do not name yet wait for them."""
    name = str(event.get("table_run", ""))
    one = known.get(name)
    if one is None:
        return dict(known)
    match event["event"]:
        case "TableStarted":
            one = replace(one, state="running", kind=event["kind"], parts=event["parts"], rows_estimate=event["rows_estimate"])
        case "TableProgress":
            one = replace(
                one,
                state="running",
                counts=Counts(**event["counts"]),
                bytes=event["bytes"],
                parts=event["parts"],
                parts_done=event["parts_done"],
                rows_per_second=event["rows_per_second"],
                percent=event["percent"],
                seconds_left=event["seconds_left"],
            )
        case "TablePublished":
            published = event["published"]
            one = replace(
                one,
                state="done",
                revision=published["revision"],
                files=published["files"],
                location=published["location"],
                query=published["query"],
                seconds=event["seconds"],
                kind=event["kind"],
                as_of=event["as_of"],
                position=event["position"],
                seconds_left=None,
                rows_per_second=0.0,
            )
        case "TableFailed":
            one = replace(one, state="failed", message=event["message"], remedy=event["remedy"], seconds_left=None)
        case _:
            return dict(known)
    return dict(known) | {name: one}


def newest(stored: Sequence[TableRunRecord], known: Mapping[str, TableRunRecord], *, running: bool) -> dict[str, TableRunRecord]:
    """What the metadata say, unless the process of a run that goes on has told of more: figures never go back."""
    if not running:
        return {one.name: one for one in stored}
    return {one.name: _newer(one, known.get(one.name)) for one in stored}


def _newer(stored: TableRunRecord, known: TableRunRecord | None) -> TableRunRecord:
    if known is None:
        return stored
    ahead = (known.counts.read, _RANK[known.state]) > (stored.counts.read, _RANK[stored.state])
    return known if ahead else stored


def rates_of(parts: Sequence[PartRecord], began: float, ended: float, *, count: int = 60) -> tuple[float, ...]:
    """Rows a second over the life of a run, oldest first: each part's rows spread evenly over its time."""
    span = ended - began
    if span <= 0 or not parts:
        return ()
    step = span / count
    points = [0.0] * count
    for part in parts:
        length = max(part.ended_at - part.began_at, 1e-6)
        first = max(0, min(count - 1, int((part.began_at - began) / step)))
        last = max(0, min(count - 1, int((part.ended_at - began) / step)))
        for at in range(first, last + 1):
            low, high = began + at * step, began + (at + 1) * step
            shared = max(0.0, min(high, part.ended_at) - max(low, part.began_at)) if first != last else length
            points[at] += part.rows_read * shared / length / step
    return tuple(points)
