"""Arrow schemas as JSON text, so that plans and logs can hold them without loss."""

import base64
from typing import Annotated, Any

import pyarrow as pa
from pydantic import PlainSerializer, PlainValidator


def schema_to_text(schema: pa.Schema) -> str:
    """The schema in Arrow's IPC format, base64."""
    return base64.b64encode(schema.serialize().to_pybytes()).decode("ascii")


def schema_from_text(text: str) -> pa.Schema:
    """Inverse of `schema_to_text`. Raises ValueError for anything else."""
    try:
        return pa.ipc.read_schema(pa.BufferReader(base64.b64decode(text, validate=True)))
    except (pa.ArrowException, OSError) as error:
        raise ValueError("not an Arrow schema") from error


def _validate(value: Any) -> pa.Schema:
    return value if isinstance(value, pa.Schema) else schema_from_text(value)


ArrowSchema = Annotated[pa.Schema, PlainValidator(_validate), PlainSerializer(schema_to_text)]
