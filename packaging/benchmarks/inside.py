"""How many rows a second each transformation alone, and the chain of eight, makes of batches in memory, on one thread.

Run by path with the product's Python: inside.py PARQUET STEPS REPETITIONS, where STEPS is a JSON file of name → steps.
Answers with name → list of seconds a million rows, or name → what went wrong.
"""

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from dtaas_desktop.domain.design import Node
from dtaas_desktop.domain.errors import AppError
from dtaas_desktop.domain.kinds import settings_of
from dtaas_desktop.engine.chain import Chain, build_chain
from dtaas_desktop.transforms import build

BATCH_ROWS = 32_768


def as_read(table: pa.Table) -> pa.Table:
    """With the types that the SQLite source gives."""
    fields = [field.with_type(pa.large_string()) if pa.types.is_string(field.type) else field for field in table.schema]
    return table.cast(pa.schema(fields))


def chain_of(steps: Sequence[tuple[str, dict[str, Any]]], schema: pa.Schema) -> Chain:
    nodes = [
        (kind, kind, settings_of(Node(f"step{number}", kind, settings=settings))) for number, (kind, settings) in enumerate(steps)
    ]
    return build_chain(
        nodes,
        schema,
        table="flights",
        key=(),
        build=lambda kind, settings: build(kind, settings, secret=lambda _: ""),
        skips=lambda settings, error: False,
    )


def seconds_a_million(chain: Chain, batches: Sequence[pa.RecordBatch]) -> float:
    started = time.perf_counter()
    for batch in batches:
        chain.apply(batch)
    rows: int = sum(batch.num_rows for batch in batches)
    return (time.perf_counter() - started) * 1e6 / rows


def main(path: Path, steps: Path, repetitions: int) -> None:
    table = as_read(pq.read_table(path))
    batches = table.to_batches(max_chunksize=BATCH_ROWS)
    answers: dict[str, list[float] | str] = {}
    for name, chosen in json.loads(steps.read_text("utf-8")).items():
        try:
            chain = chain_of(chosen, table.schema)
            chain.apply(batches[0])  # the first call may import and compile
            answers[name] = [seconds_a_million(chain, batches) for _ in range(repetitions)]
        except AppError as error:
            answers[name] = error.message
    print(json.dumps(answers))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
