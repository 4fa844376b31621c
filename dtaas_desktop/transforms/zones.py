"""Local clocks of time zones, by the second, for every year.

Arrow's tables of a zone end with the system's list of changes of its clocks, in 2037 or (where the system stores the rules for
later years instead) as early as 2007: after that it knows no summer time. From there on Python's zoneinfo, which follows the
rules, is asked once for each distinct minute.
"""

import datetime
import functools
import zoneinfo

import pyarrow as pa
import pyarrow.compute as pc

from dtaas_desktop.domain.errors import UserError

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_DAY = 86_400
_SAMPLED_UNTIL = int((datetime.datetime(2100, 1, 1, tzinfo=datetime.UTC) - _EPOCH).total_seconds())
_SAMPLES = range(0, _SAMPLED_UNTIL, 10 * _DAY)
_CALENDAR_CYCLE = 146_097 * _DAY  # after 400 years the calendar, weekdays included, begins anew, and so do rules made on it


def require_known(zone: str) -> None:
    """Raises UserError for a zone that the data base of zones does not know."""
    if not _is_known(zone):
        raise UserError(
            f"There is no time zone “{zone}”.",
            remedy="Read the column as a timestamp without a zone or with another one, like UTC, Europe/Paris or +02:00.",
        )


def local_seconds(utc: pa.Array, zone: str) -> pa.Array:
    """What the zone's clocks show at these seconds since 1970-01-01 UTC, as int64 seconds since 1970-01-01 of that clock."""
    local = _by_arrow(utc, zone)
    late = _after(utc, _agreed_until(zone))
    if late is None:
        return local
    beyond = utc.filter(late)
    offsets, _ = _by_rules(beyond, zone, local=False)
    return pc.replace_with_mask(local, late, pc.add(beyond, offsets))


def utc_seconds(local: pa.Array, zone: str) -> tuple[pa.Array, pa.Array]:
    """The reverse, and a mask of the times that the zone's clocks skipped or showed twice (their seconds mean nothing)."""
    utc, unclear = _to_utc_by_arrow(local, zone)
    late = _after(local, _agreed_until(zone))
    if late is None:
        return utc, unclear
    beyond = local.filter(late)
    offsets, doubtful = _by_rules(beyond, zone, local=True)
    return pc.replace_with_mask(utc, late, pc.subtract(beyond, offsets)), pc.replace_with_mask(unclear, late, doubtful)


@functools.cache
def _is_known(zone: str) -> bool:
    try:
        _by_arrow(pa.array([0], pa.int64()), zone)
    except pa.ArrowInvalid:
        return False
    return True


def _by_arrow(utc: pa.Array, zone: str) -> pa.Array:
    return pc.local_timestamp(utc.cast(pa.timestamp("s", zone))).cast(pa.int64())


def _to_utc_by_arrow(local: pa.Array, zone: str) -> tuple[pa.Array, pa.Array]:
    naive = local.cast(pa.timestamp("s"))
    try:
        return pc.assume_timezone(naive, zone).cast(pa.int64()), pa.repeat(pa.scalar(False), len(local))
    except pa.ArrowInvalid:  # it says that there is an unclear time, not where
        early, late = (
            pc.assume_timezone(naive, zone, ambiguous=side, nonexistent=side).cast(pa.int64()) for side in ("earliest", "latest")
        )
        return early, pc.fill_null(pc.not_equal(early, late), False)


def _after(seconds: pa.Array, limit: int | None) -> pa.Array | None:
    if limit is None:
        return None
    late = pc.fill_null(pc.greater_equal(seconds, limit), False)
    return late if late.true_count else None


@functools.cache
def _agreed_until(zone: str) -> int | None:
    """The second since 1970 up to which Arrow follows the zone's rules; None: always."""
    try:
        rules = zoneinfo.ZoneInfo(zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return None  # a fixed offset
    local = _by_arrow(pa.array(_SAMPLES, pa.int64()), zone).to_pylist()
    for utc, shown in zip(_SAMPLES, local, strict=True):
        if shown - utc != _offset(_EPOCH + datetime.timedelta(seconds=utc), rules):
            return utc - 30 * _DAY
    return None


def _by_rules(seconds: pa.Array, zone: str, *, local: bool) -> tuple[pa.Array, pa.Array]:
    """Offsets in seconds for times of the zone's clock or of UTC, and whether that is in doubt."""
    rules = zoneinfo.ZoneInfo(zone)
    encoded = pc.divide(seconds, 60).dictionary_encode()
    offsets: list[int] = []
    doubtful: list[bool] = []
    for minute in encoded.dictionary.to_pylist():
        second = minute * 60
        if second >= _SAMPLED_UNTIL:
            second = _SAMPLED_UNTIL + (second - _SAMPLED_UNTIL) % _CALENDAR_CYCLE
        moment = _EPOCH + datetime.timedelta(seconds=second)
        if local:
            first, second_time = (_offset(moment.replace(tzinfo=rules, fold=fold), rules) for fold in (0, 1))
            offsets.append(first)
            doubtful.append(first != second_time)
        else:
            offsets.append(_offset(moment, rules))
            doubtful.append(False)
    indices = encoded.indices
    return pa.array(offsets, pa.int64()).take(indices), pa.array(doubtful, pa.bool_()).take(indices)


def _offset(moment: datetime.datetime, rules: zoneinfo.ZoneInfo) -> int:
    local = moment if moment.tzinfo is rules else moment.astimezone(rules)
    offset = local.utcoffset()
    assert offset is not None
    return int(offset.total_seconds())
