"""What charts show, as values: lines, bars and dots in the units of their axes, with the words that belong to them. Free of Qt."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from dtaas_desktop.services.activity import Bucket, RunPoint, Series
from dtaas_desktop.services.history import BAD_ENDS
from dtaas_desktop.ui.ticks import Tick, day_and_time, duration_ticks, figure_ticks, run_ticks, time_ticks
from dtaas_desktop.ui.tokens import Tokens, Tone
from dtaas_desktop.ui.words import NOTHING, duration, exact, short

Ink = Tone | int  # a tone that means something, or the number of a series colour that does not
Mark = Literal["line", "bar", "dot"]
LEAST_RUNS = 24  # so that three runs are three slim bars and not three walls


def ink_colour(ink: Ink, tokens: Tokens) -> str:
    """The colour of an ink in a theme."""
    return tokens.series[ink % len(tokens.series)] if isinstance(ink, int) else tokens.ink(ink)


def bar_colour(ink: Ink, tokens: Tokens) -> str:
    """The same for areas: a little of the panel in it, because a bar has so much more of the colour than a line."""
    colour, panel = ink_colour(ink, tokens), tokens.panel
    mixed = (round(int(colour[at : at + 2], 16) * 0.76 + int(panel[at : at + 2], 16) * 0.24) for at in (1, 3, 5))
    return "#" + "".join(f"{channel:02x}" for channel in mixed)


@dataclass(frozen=True, slots=True)
class Line:
    ink: Ink
    xs: tuple[float, ...]
    ys: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars of one width, centred on `xs`, that begin at `bottoms`."""

    ink: Ink
    xs: tuple[float, ...]
    heights: tuple[float, ...]
    bottoms: tuple[float, ...]
    width: float


@dataclass(frozen=True, slots=True)
class Dots:
    ink: Ink
    xs: tuple[float, ...]
    ys: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Name:
    """An entry of the legend."""

    ink: Ink
    text: str
    mark: Mark


@dataclass(frozen=True, slots=True)
class Reading:
    """The figures at one place of a chart: when, and for each name its value."""

    title: str
    values: tuple[tuple[Ink, str, str], ...]

    @property
    def words(self) -> str:
        return f"{self.title}. " + ", ".join(f"{name} {value}" for _, name, value in self.values)


@dataclass(frozen=True, slots=True)
class Drawing:
    """One chart: x from `left` to `right`, y from 0 to `top`; `far_ticks` stand at the right, in the units of y.

    `stops` are the x where the figures can be read, ascending; `read` tells them. `note` is shown while there is nothing else.
    """

    left: float
    right: float
    top: float
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    names: tuple[Name, ...]
    summary: str
    lines: tuple[Line, ...] = ()
    bars: tuple[Bars, ...] = ()
    dots: tuple[Dots, ...] = ()
    far_ticks: tuple[Tick, ...] = ()
    stops: tuple[float, ...] = ()
    note: str = ""
    read: Callable[[int], Reading] = field(default=lambda at: Reading("", ()), compare=False)


def lasting_inks(before: Mapping[str, int], keys: Sequence[str], colours: int) -> dict[str, int]:
    """A colour for each of at most `colours` keys. Those that had one keep it, so that a line does not change under one's eyes."""
    kept = {key: before[key] for key in keys if key in before}
    free = (number for number in range(colours) if number not in kept.values())
    return {key: kept[key] if key in kept else next(free) for key in keys[:colours]}


def rates_drawing(series: Sequence[Series], inks: Mapping[str, int], span: tuple[float, float], words: str) -> Drawing:
    """Rows a second by task, as lines over a span of time; `words` name the span (“last 24 hours”)."""
    shown = sorted((one for one in series if one.task_uuid in inks), key=lambda one: inks[one.task_uuid])
    top, y_ticks = figure_ticks(max((rate for one in shown for _, rate in one.points), default=0.0))
    stops = tuple(sorted({at for one in shown for at, _ in one.points}))
    rates = [dict(one.points) for one in shown]

    def read(at: int) -> Reading:
        moment = stops[at]
        values = tuple(
            (inks[one.task_uuid], one.task_name, short(known[moment]) if moment in known else NOTHING)
            for one, known in zip(shown, rates, strict=True)
        )
        return Reading(day_and_time(moment), values)

    told = [
        f"{one.task_name}: {short(one.points[-1][1])} rows per second now, {short(max(rate for _, rate in one.points))} at most."
        for one in shown
        if one.points
    ]
    return Drawing(
        *span,
        top,
        time_ticks(*span),
        y_ticks,
        names=tuple(Name(inks[one.task_uuid], one.task_name, "line") for one in shown),
        summary=f"Rows per second by task, {words}. {' '.join(told) or 'No rows were moved.'}",
        lines=tuple(Line(inks[o.task_uuid], tuple(at for at, _ in o.points), tuple(rate for _, rate in o.points)) for o in shown),
        stops=stops,
        note="" if stops else "No rows were moved in this time.",
        read=read,
    )


def outcomes_drawing(buckets: Sequence[Bucket], span: tuple[float, float], words: str) -> Drawing:
    """Runs that ended, as bars over time: the good ones below, the bad ones on top."""
    step = buckets[1].at - buckets[0].at if len(buckets) > 1 else span[1] - span[0]
    xs = tuple(bucket.at + step / 2 for bucket in buckets)
    good, bad = tuple(float(b.succeeded) for b in buckets), tuple(float(b.failed) for b in buckets)
    top, y_ticks = figure_ticks(max((g + b for g, b in zip(good, bad, strict=True)), default=0.0), whole=True)

    def read(at: int) -> Reading:
        bucket = buckets[at]
        values: tuple[tuple[Ink, str, str], ...] = (
            ("green", "Succeeded", exact(bucket.succeeded)),
            ("red", "Failed", exact(bucket.failed)),
        )
        return Reading(f"{day_and_time(bucket.at)} – {day_and_time(bucket.at + step)}", values)

    nothing = not any(good) and not any(bad)
    whole = (buckets[0].at, buckets[-1].at + step) if buckets else span
    return Drawing(
        *whole,
        top,
        time_ticks(*whole),
        y_ticks,
        names=(Name("green", "Succeeded", "bar"), Name("red", "Failed", "bar")),
        summary=f"Runs that ended, {words}: {sum(good):,.0f} succeeded, {sum(bad):,.0f} failed.",
        bars=(
            Bars("green", xs, good, (0.0,) * len(xs), step * 0.68),
            Bars("red", xs, bad, good, step * 0.68),
        ),
        stops=() if nothing else xs,
        note="No run ended in this time." if nothing else "",
        read=read,
    )


def runs_drawing(points: Sequence[RunPoint]) -> Drawing:
    """The latest runs, oldest first: their rows as bars, how long they took as dots with a scale of their own at the right."""
    count = len(points)
    xs = tuple(float(at) for at in range(count))
    top, y_ticks = figure_ticks(float(max((p.rows for p in points), default=0)), whole=True)
    longest, far_ticks = duration_ticks(max((p.seconds for p in points), default=0.0), len(y_ticks) - 1, top)
    timed = [(x, p.seconds / longest * top) for x, p in zip(xs, points, strict=True)]
    failed = [p.state in BAD_ENDS for p in points]

    def bars(ink: Ink, which: bool) -> Bars:
        chosen = [(x, float(p.rows)) for x, p, bad in zip(xs, points, failed, strict=True) if bad is which]
        return Bars(ink, tuple(x for x, _ in chosen), tuple(rows for _, rows in chosen), (0.0,) * len(chosen), 0.62)

    def read(at: int) -> Reading:
        point = points[at]
        values: tuple[tuple[Ink, str, str], ...] = (
            ("red" if failed[at] else 0, "Rows", exact(point.rows)),
            (3, "Duration", duration(point.seconds)),
        )
        return Reading(day_and_time(point.started_at), values)

    last = points[-1] if points else None
    told = f"the last moved {exact(last.rows)} rows in {duration(last.seconds)}" if last else "none yet"
    names = [
        Name(0, "Rows", "bar"),
        *([Name("red", "Rows of a failed run", "bar")] if any(failed) else []),
        Name(3, "Duration", "dot"),
    ]
    return Drawing(
        -0.6,
        max(count, LEAST_RUNS) - 0.4,
        top,
        run_ticks([p.started_at for p in points], max(count, LEAST_RUNS)),
        y_ticks,
        names=tuple(names),
        summary=f"Rows and duration of the latest {count} runs: {told}; {sum(failed)} failed.",
        bars=(bars(0, False), bars("red", True)),
        dots=(Dots(3, tuple(x for x, _ in timed), tuple(y for _, y in timed)),),
        far_ticks=far_ticks,
        stops=xs,
        note="" if points else "No run yet.",
        read=read,
    )
