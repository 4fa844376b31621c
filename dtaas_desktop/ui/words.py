"""Figures, times and states in words: short where they are glanced at, exact where they are read."""

import datetime
import re
import time

from dtaas_desktop.ui.tokens import Tone

NOTHING = "—"
_LONG_NAME = re.compile(r"[_./\\-](?=\w)|[^\W_]{24}(?=\w)")
_STATES: dict[str, tuple[str, Tone]] = {
    "waiting": ("Waiting", "quiet"),
    "running": ("Running", "accent"),
    "following": ("Following", "accent"),
    "done": ("Succeeded", "green"),
    "failed": ("Failed", "red"),
    "partly failed": ("Partly failed", "red"),
    "paused": ("Paused", "amber"),
    "cancelled": ("Cancelled", "quiet"),
    "interrupted": ("Interrupted", "amber"),
}


def state_words(state: str | None) -> tuple[str, Tone]:
    """The word and the tone of a run's state; None: it never ran."""
    return ("Never run", "quiet") if state is None else _STATES[state]


def short(number: float) -> str:
    """12 · 12.5 k · 480 k · 12.48 M · 1.2 G, with a space before the unit."""
    size = abs(number)
    if size < 1000:
        return f"{number:.0f}" if size >= 10 or number == int(number) else f"{number:.1f}"
    for unit, factor in (("k", 1e3), ("M", 1e6), ("G", 1e9), ("T", 1e12)):
        amount = number / factor
        if abs(amount) < 999.5 or unit == "T":
            places = 2 if unit != "k" and abs(amount) < 100 else 1 if abs(amount) < 100 else 0
            text = f"{amount:.{places}f}"
            return f"{text.rstrip('0').rstrip('.') if '.' in text else text} {unit}"
    raise AssertionError(number)


def breakable(text: str) -> str:
    """The text with room to break its lines within long names; for labels only."""
    return _LONG_NAME.sub(lambda found: found[0] + "\u200b", text)


def lower_first(sentence: str) -> str:
    """The sentence as it goes on after a colon: “TLS” stays, “More” becomes “more”."""
    return sentence[:1].lower() + sentence[1:] if sentence[1:2].islower() else sentence


def exact(number: int | None) -> str:
    """12,480,112; a dash for None."""
    return NOTHING if number is None else f"{number:,}"


def size(count: float) -> str:
    """Bytes as people read them: 812 B, 3.4 MB."""
    amount = float(count)
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if amount < 999.5 or unit == "TB":
            return f"{amount:.0f} {unit}" if unit == "B" or amount >= 99.5 else f"{amount:.1f} {unit}"
        amount /= 1000
    raise AssertionError(count)


def duration(seconds: float | None) -> str:
    """0.4 s · 12 s · 4 min · 3 h 12 min · 2 d 4 h; a dash for None."""
    if seconds is None:
        return NOTHING
    if 0 < seconds < 0.05:
        return "< 0.1 s"
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def ago(at: float, now: float | None = None) -> str:
    """just now · 14 min ago · 3 h ago · yesterday · 21 Nov · 21 Nov 2024."""
    current = time.time() if now is None else now
    seconds = current - at
    if seconds < 50:
        return "just now"
    if seconds < 3600:
        return f"{max(1, round(seconds / 60))} min ago"
    then, today = _local(at), _local(current)
    if then.date() == today.date():
        return f"{round(seconds / 3600)} h ago"
    if (today.date() - then.date()).days == 1:
        return "yesterday"
    return f"{then.day} {then:%b}" if then.year == today.year else f"{then.day} {then:%b %Y}"


def moment(at: float) -> str:
    """21 Nov 2026, 02:00:11, in local time."""
    then = _local(at)
    return f"{then.day} {then:%b %Y, %H:%M:%S}"


def day_and_time(at: float, now: float | None = None) -> str:
    """02:00 if within the next hours · Friday 02:00 · 21 Nov 02:00, in local time, to the minute (seconds if within a minute)."""
    current = time.time() if now is None else now
    then, today = _local(at), _local(current)
    hour = f"{then:%H:%M:%S}" if abs(at - current) < 60 else f"{then:%H:%M}"
    if abs(at - current) < 20 * 3600 or then.date() == today.date():
        return hour
    return f"{then:%A} {hour}" if 0 < at - current < 6 * 86_400 else f"{then.day} {then:%b} {hour}"


def clock(at: float) -> str:
    """02:04:11, in local time."""
    return f"{_local(at):%H:%M:%S}"


def _local(at: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(at).astimezone()
