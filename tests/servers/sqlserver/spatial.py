"""geography and geometry: WKT in, CLR serialization stored and sent (MS-SSCLRT 2.1), WKB out (OGC, little-endian)."""

import re
import struct
from dataclasses import dataclass

from tests.servers.sqlserver.errors import SqlError

_KINDS = ("", "POINT", "LINESTRING", "POLYGON", "MULTIPOINT", "MULTILINESTRING", "MULTIPOLYGON", "GEOMETRYCOLLECTION")
Position = tuple[float, float]


@dataclass(frozen=True)
class Shape:
    """kind by its OGC number; `figures` are lines of positions (x, y) or (longitude, latitude); `parts` of a collection."""

    kind: int
    figures: tuple[tuple[Position, ...], ...] = ()
    parts: tuple["Shape", ...] = ()


def _wrong(text: str) -> SqlError:
    return SqlError(6522, f"A .NET Framework error: System.FormatException: 24114: The text “{text[:80]}” is no well-known text.")


def read_wkt(text: str) -> Shape:
    words = re.findall(r"[A-Za-z]+|[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|[(),]", text)
    shape, rest = _shape(words, text)
    if rest:
        raise _wrong(text)
    return shape


def _shape(words: list[str], text: str) -> tuple[Shape, list[str]]:
    if not words or words[0].upper() not in _KINDS[1:]:
        raise _wrong(text)
    kind, words = _KINDS.index(words[0].upper()), words[1:]
    if words[:1] and words[0].upper() == "EMPTY":
        return Shape(kind), words[1:]
    if kind in {4, 5, 6, 7}:
        parts: list[Shape] = []
        separator = "("
        while words[:1] == [separator]:
            words = words[1:]
            if kind == 4 and words[:1] != ["("]:
                positions, words = _bare_positions(words, text)
                parts.extend(Shape(1, ((one,),)) for one in positions)
            else:
                part, words = _shape(words if kind == 7 else [_KINDS[kind - 3], *words], text)
                parts.append(part)
            separator = ","
        return Shape(kind, parts=tuple(parts)), _closed(words, text)
    if kind == 3:
        figures = []
        separator = "("
        while words[:1] == [separator]:
            figure, words = _positions(words[1:], text)
            figures.append(figure)
            separator = ","
        return Shape(kind, tuple(figures)), _closed(words, text)
    figure, words = _positions(words, text)
    return Shape(kind, (figure,)), words


def _closed(words: list[str], text: str) -> list[str]:
    if words[:1] != [")"]:
        raise _wrong(text)
    return words[1:]


def _positions(words: list[str], text: str) -> tuple[tuple[Position, ...], list[str]]:
    if words[:1] != ["("]:
        raise _wrong(text)
    found, rest = _bare_positions(words[1:], text)
    return found, _closed(rest, text)


def _bare_positions(words: list[str], text: str) -> tuple[tuple[Position, ...], list[str]]:
    found = []
    try:
        while True:
            found.append((float(words[0]), float(words[1])))
            words = words[2:]
            if words[0] != ",":
                return tuple(found), words
            words = words[1:]
    except (ValueError, IndexError):
        raise _wrong(text) from None


def to_clr(shape: Shape, srid: int, *, geography: bool) -> bytes:
    """Version 1. A geography's points are written latitude first."""

    def point(one: Position) -> bytes:
        return struct.pack("<2d", *(reversed(one) if geography else one))

    if shape.kind == 1 and shape.figures:
        return struct.pack("<iBB", srid, 1, 0x0C) + point(shape.figures[0][0])
    if shape.kind == 2 and len(shape.figures[0] if shape.figures else ()) == 2:
        return struct.pack("<iBB", srid, 1, 0x14) + b"".join(map(point, shape.figures[0]))
    points: list[Position] = []
    figures: list[tuple[int, int]] = []  # attribute, offset of its first point
    shapes: list[tuple[int, int, int]] = []  # parent, offset of its first figure, kind

    def add(one: Shape, parent: int) -> None:
        mine = len(shapes)
        shapes.append((parent, len(figures) if one.figures or one.parts else -1, one.kind))
        for at, figure in enumerate(one.figures):
            attribute = 1 if one.kind != 3 else 2 if at == 0 else 0  # stroke, exterior ring, interior ring
            figures.append((attribute, len(points)))
            points.extend(figure)
        for part in one.parts:
            add(part, mine)

    add(shape, -1)
    return b"".join(
        [
            struct.pack("<iBBI", srid, 1, 0x04, len(points)),
            *map(point, points),
            struct.pack("<I", len(figures)),
            *(struct.pack("<Bi", *figure) for figure in figures),
            struct.pack("<I", len(shapes)),
            *(struct.pack("<iiB", *one) for one in shapes),
        ]
    )


def from_clr(raw: bytes, *, geography: bool) -> tuple[Shape, int]:
    srid, _, flags = struct.unpack_from("<iBB", raw)

    def points(at: int, count: int) -> list[Position]:
        pairs = [struct.unpack_from("<2d", raw, at + 16 * one) for one in range(count)]
        return [(second, first) if geography else (first, second) for first, second in pairs]

    if flags & 0x08:
        return Shape(1, (tuple(points(6, 1)),)), srid
    if flags & 0x10:
        return Shape(2, (tuple(points(6, 2)),)), srid
    count = struct.unpack_from("<I", raw, 6)[0]
    every, at = points(10, count), 10 + 16 * count
    number = struct.unpack_from("<I", raw, at)[0]
    figures = [struct.unpack_from("<Bi", raw, at + 4 + 5 * one)[1] for one in range(number)]
    at += 4 + 5 * number
    number = struct.unpack_from("<I", raw, at)[0]
    shapes = [struct.unpack_from("<iiB", raw, at + 4 + 9 * one) for one in range(number)]

    def figure(index: int) -> tuple[Position, ...]:
        end = figures[index + 1] if index + 1 < len(figures) else len(every)
        return tuple(every[figures[index] : end])

    def build(index: int) -> Shape:
        _, first, kind = shapes[index]
        if kind in {4, 5, 6, 7}:
            return Shape(kind, parts=tuple(build(one) for one, row in enumerate(shapes) if row[0] == index))
        if first < 0:
            return Shape(kind)
        after = next((row[1] for row in shapes[index + 1 :] if row[1] >= 0), len(figures))
        return Shape(kind, tuple(figure(one) for one in range(first, after)))

    return build(0), srid


def to_wkb(shape: Shape) -> bytes:
    head = struct.pack("<BI", 1, shape.kind)
    if shape.kind == 1:
        return head + struct.pack("<2d", *(shape.figures[0][0] if shape.figures else (float("nan"), float("nan"))))
    if shape.kind == 2:
        return head + _line(shape.figures[0] if shape.figures else ())
    if shape.kind == 3:
        return head + struct.pack("<I", len(shape.figures)) + b"".join(map(_line, shape.figures))
    return head + struct.pack("<I", len(shape.parts)) + b"".join(map(to_wkb, shape.parts))


def _line(positions: tuple[Position, ...]) -> bytes:
    return struct.pack("<I", len(positions)) + b"".join(struct.pack("<2d", *one) for one in positions)


def to_wkt(shape: Shape, *, bare: bool = False) -> str:
    name = "" if bare else f"{_KINDS[shape.kind]} "
    if not shape.figures and not shape.parts:
        return f"{name}EMPTY"
    if shape.kind == 7:
        return f"{name}({', '.join(map(to_wkt, shape.parts))})"
    if shape.parts:
        return f"{name}({', '.join(to_wkt(part, bare=True) for part in shape.parts)})"
    lines = [f"({', '.join(f'{_number(x)} {_number(y)}' for x, y in figure)})" for figure in shape.figures]
    return name + (f"({', '.join(lines)})" if shape.kind == 3 else lines[0])


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
