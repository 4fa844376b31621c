"""hierarchyid as bits (the type's OrdPath form, as MS-SSCLRT 2.1 and published examples show it): '/1/' is 0x58."""

from tests.servers.sqlserver.errors import SqlError

_RANGES = (  # lowest and highest value; the pattern: x is a bit of the value, T the end of a label (1) or of its dotted part (0)
    (-4294971464, -4169, "000101xxxxxxxxxxxxxxxxxxx0xxxxxx0xxx0x1xxxT"),
    (-4168, -73, "000110xxxxx0xxx0x1xxxT"),
    (-72, -9, "0010xx0x1xxxT"),
    (-8, -1, "00111xxxT"),
    (0, 3, "01xxT"),
    (4, 7, "100xxT"),
    (8, 15, "101xxxT"),
    (16, 79, "110xx0x1xxxT"),
    (80, 1103, "1110xxx0xxx0x1xxxT"),
    (1104, 5199, "11110xxxxx0xxx0x1xxxT"),
    (5200, 4294972495, "111110xxxxxxxxxxxxxxxxxxx0xxxxxx0xxx0x1xxxT"),
)


def read_hierarchy(text: str) -> bytes:
    """'/1/2.5/' → its bytes."""
    wrong = SqlError(
        6522, f"A .NET Framework error: 24001: SqlHierarchyId.Parse failed because the input string '{text}' is not valid."
    )
    if not (text.startswith("/") and text.endswith("/")):
        raise wrong
    bits = ""
    for label in text.split("/")[1:-1]:
        try:
            parts = [int(part) for part in label.split(".")]
        except ValueError:
            raise wrong from None
        for at, part in enumerate(parts):
            last = at == len(parts) - 1
            bits += _component(part if last else part + 1, last=last)  # the part before a dot counts one higher
    return bytes(int(bits[at : at + 8].ljust(8, "0"), 2) for at in range(0, len(bits), 8))


def _component(value: int, *, last: bool) -> str:
    for low, high, pattern in _RANGES:
        if low <= value <= high:
            width = pattern.count("x")
            digits = iter(f"{value - low:0{width}b}")
            return "".join(next(digits) if one == "x" else ("1" if last else "0") if one == "T" else one for one in pattern)
    raise SqlError(6522, f"A .NET Framework error: {value} is outside of hierarchyid's range.")


def write_hierarchy(raw: bytes) -> str:
    """The text of ToString()."""
    bits = "".join(f"{byte:08b}" for byte in raw).rstrip("0")
    labels, label, at = "/", "", 0
    while at < len(bits):
        for low, _, pattern in _RANGES:
            chunk = bits[at : at + len(pattern)].ljust(len(pattern), "0")
            if all(one in "xT" or one == bit for one, bit in zip(pattern, chunk, strict=True)):
                value = low + int("".join(bit for one, bit in zip(pattern, chunk, strict=True) if one == "x"), 2)
                last = chunk[-1] == "1"
                label += str(value) if last else f"{value - 1}."
                if last:
                    labels, label = f"{labels}{label}/", ""
                at += len(pattern)
                break
        else:
            raise SqlError(6522, f"A .NET Framework error: 0x{raw.hex()} is no hierarchyid.")
    return labels


def level(raw: bytes) -> int:
    return write_hierarchy(raw).count("/") - 1
