"""The time zone of this machine, with its daylight saving."""

from datetime import UTC, datetime, timedelta, tzinfo


class LocalZone(tzinfo):
    """Asks the operating system for each moment: `datetime.now().astimezone().tzinfo` would be the offset of today for the whole year."""

    def utcoffset(self, moment: datetime | None) -> timedelta | None:
        return None if moment is None else moment.replace(tzinfo=None).astimezone().utcoffset()

    def dst(self, moment: datetime | None) -> timedelta | None:
        return None

    def tzname(self, moment: datetime | None) -> str | None:
        return None if moment is None else moment.replace(tzinfo=None).astimezone().tzname()

    def fromutc(self, moment: datetime) -> datetime:
        local = moment.replace(tzinfo=UTC).astimezone()
        return local.replace(tzinfo=self, fold=local.fold or int(_is_second(local)))


def _is_second(local: datetime) -> bool:
    """Whether the clocks show this time for the second time."""
    first = local.replace(tzinfo=None, fold=0).astimezone()
    return first.utcoffset() != local.utcoffset()
