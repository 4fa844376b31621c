"""The transformations that are measured: each kind alone, and a chain of eight simple ones. Made for the sample's flights."""

from collections.abc import Mapping, Sequence
from typing import Any

Step = tuple[str, Mapping[str, Any]]

FILTER: Step = ("filter", {"conditions": [{"column": "dep_time", "operator": "is_not_empty"}]})
CONSTANT: Step = ("add_column", {"name": "origin_of_row", "value": "sample"})
RENAME: Step = ("rename", {"names": {"dest": "destination", "tailnum": "tail_number"}})
DROP: Step = ("drop", {"columns": ["hour", "minute"]})
CAST: Step = (
    "cast",
    {"columns": [{"column": "year", "type": "int16"}, {"column": "month", "type": "int8"}, {"column": "day", "type": "int8"}]},
)
REPLACE: Step = ("replace", {"columns": ["origin"], "pairs": [{"find": "EWR", "replace_with": "Newark"}]})
CONCATENATE: Step = ("concatenate", {"columns": ["carrier", "flight"], "name": "flight_number", "separator": " "})
ABSOLUTE: Step = ("apply", {"columns": ["dep_delay", "arr_delay"], "function": {"name": "abs"}})


def _apply(column: str, **function: Any) -> Step:
    return ("apply", {"columns": [column], "function": function, "output": "{column}_new"})


ALONE: Mapping[str, Step] = {
    "filter": FILTER,
    "filter, expression": ("filter", {"expression": "dep_delay > -1000 AND distance > 0"}),
    "add column, constant": CONSTANT,
    "add column, expression": (
        "add_column",
        {"name": "speed", "expression": "round(distance / (air_time / 60.0), 1)", "type": "float64"},
    ),
    "rename": RENAME,
    "drop": DROP,
    "select": ("select", {"columns": ["carrier", "flight", "*_time", "*_delay", "origin", "dest"], "others": True}),
    "cast": CAST,
    "cast to text": ("cast", {"columns": [{"column": "time_hour", "type": "text", "format": "%d.%m.%Y %H:%M"}]}),
    "replace": REPLACE,
    "replace, expression": (
        "replace",
        {"columns": ["tailnum"], "mode": "regex", "pairs": [{"find": "^N([0-9]+)", "replace_with": "\\1-"}]},
    ),
    "concatenate": CONCATENATE,
    "split": ("split", {"column": "tailnum", "into": ["nation", "mark"], "by": "width", "widths": [1, 5]}),
    "apply abs": ABSOLUTE,
    "apply lower": _apply("origin", name="lower"),
    "apply date part": _apply("time_hour", name="date_part", part="month"),
    "apply SHA-256": _apply("tailnum", name="sha256"),
}

CHAIN: Sequence[Step] = (FILTER, CONSTANT, RENAME, DROP, CAST, REPLACE, CONCATENATE, ABSOLUTE)

# What the chain makes of the flights, in DuckDB's SQL.
CHAIN_IN_SQL = """
    SELECT year::SMALLINT AS year, month::TINYINT AS month, day::TINYINT AS day, dep_time, sched_dep_time,
        abs(dep_delay) AS dep_delay, arr_time, sched_arr_time, abs(arr_delay) AS arr_delay, carrier, flight,
        tailnum AS tail_number, if(origin = 'EWR', 'Newark', origin) AS origin, dest AS destination, air_time, distance,
        time_hour, 'sample' AS origin_of_row, carrier || ' ' || flight AS flight_number
    FROM flights WHERE dep_time IS NOT NULL
"""
# Rows that leave the filters.
FILTERS_IN_SQL: Mapping[str, str] = {
    "filter": "SELECT * FROM flights WHERE dep_time IS NOT NULL",
    "filter, expression": "SELECT * FROM flights WHERE dep_delay > -1000 AND distance > 0",
}
