"""Hashes of values, plain and keyed. Equal values have equal hashes, whatever their layout in memory."""

import array
import hashlib
import hmac
from collections.abc import Callable
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

from dtaas_desktop.domain.type_names import is_binary
from dtaas_desktop.transforms.converted import over_unique
from dtaas_desktop.transforms.functions.prepared import Prepared, always, unsupported
from dtaas_desktop.transforms.texts import TEXT, has_text, plain_text

_SIZE = 32  # bytes of a SHA-256
_DIGEST = pa.binary(_SIZE)


def sha256_hashing(data_type: pa.DataType, result: Literal["hex", "binary"]) -> Prepared:
    return _hashing("sha256", data_type, result, lambda data: hashlib.sha256(data).digest())


def hmac_hashing(data_type: pa.DataType, result: Literal["hex", "binary"], *, key: bytes) -> Prepared:
    return _hashing("hmac", data_type, result, lambda data: hmac.digest(key, data, "sha256"))


def _hashing(name: str, data_type: pa.DataType, result: Literal["hex", "binary"], digest: Callable[[bytes], bytes]) -> Prepared:
    if not (is_binary(data_type) or has_text(data_type)):
        raise unsupported(name, data_type, "values that have a text, and on bytes")

    def digests(data: pa.Array) -> pa.Array:
        joined = b"".join([bytes(_SIZE) if value is None else digest(value) for value in data.to_pylist()])
        hashed = _as_hex(joined, len(data)) if result == "hex" else _as_bytes(joined, len(data))
        return hashed if data.null_count == 0 else pc.if_else(pc.is_valid(data), hashed, pa.scalar(None, hashed.type))

    return always(TEXT if result == "hex" else _DIGEST, lambda values: over_unique(digests, _bytes(values)))


def _bytes(values: pa.Array) -> pa.Array:
    if not is_binary(values.type):
        if pa.types.is_floating(values.type):
            values = pc.add(values, pa.scalar(0.0, values.type))  # −0 equals 0, so it must not read “-0”
        values = plain_text(values)
    return values.cast(pa.large_binary())


def _as_hex(joined: bytes, count: int) -> pa.Array:
    offsets = array.array("q", range(0, 2 * len(joined) + 1, 2 * _SIZE))
    return pa.LargeStringArray.from_buffers(count, pa.py_buffer(offsets), pa.py_buffer(joined.hex().encode("ascii")))


def _as_bytes(joined: bytes, count: int) -> pa.Array:
    return pa.FixedSizeBinaryArray.from_buffers(_DIGEST, count, [None, pa.py_buffer(joined)])
