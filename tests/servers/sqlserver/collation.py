"""Collations: names, the five bytes of MS-TDS 2.2.5.1.2, code pages, and the order of text as a key that sorts by bytes.

The order of a Windows collation is that of Unicode's main rules, as far as documented: letters after digits after signs; then
accents; then case; hyphen and apostrophe count last ("word sort"). Sort order 52 (SQL_Latin1_General_CP1_CI_AS, for char and
varchar) compares the hyphen like any other sign. A `_BIN2` collation compares code units. Trailing blanks never count.
"""

import codecs
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from tests.servers.sqlserver.errors import SqlError

WIDE = "utf-16-le"

_LANGUAGES: dict[str, tuple[int, str]] = {  # name in front of a collation → LCID, code page
    "sql_latin1_general_cp1": (0x409, "cp1252"),
    "sql_latin1_general_cp437": (0x409, "cp437"),
    "sql_latin1_general_cp850": (0x409, "cp850"),
    "sql_latin1_general_cp1250": (0x409, "cp1250"),
    "sql_latin1_general_cp1251": (0x419, "cp1251"),
    "latin1_general": (0x409, "cp1252"),
    "arabic": (0x401, "cp1256"),
    "chinese_prc": (0x804, "cp936"),
    "chinese_taiwan_stroke": (0x404, "cp950"),
    "cyrillic_general": (0x419, "cp1251"),
    "czech": (0x405, "cp1250"),
    "danish_norwegian": (0x406, "cp1252"),
    "finnish_swedish": (0x40B, "cp1252"),
    "french": (0x40C, "cp1252"),
    "greek": (0x408, "cp1253"),
    "hebrew": (0x40D, "cp1255"),
    "japanese": (0x411, "cp932"),
    "korean_wansung": (0x412, "cp949"),
    "modern_spanish": (0xC0A, "cp1252"),
    "polish": (0x415, "cp1250"),
    "thai": (0x41E, "cp874"),
    "turkish": (0x41F, "cp1254"),
    "vietnamese": (0x42A, "cp1258"),
}
_VERSIONS = {None: 0, "90": 1, "100": 2, "140": 3, "160": 3}
_NAME = re.compile(
    r"(?P<language>[A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)*?)(?:_(?P<version>90|100|140|160))?"
    r"_(?P<rest>BIN2|BIN|C[IS]_A[IS](?:_KS)?(?:_WS)?(?:_VSS)?)(?P<sc>_SC)?(?P<utf8>_UTF8)?",
    re.IGNORECASE,
)


def _as_windows_does(error: UnicodeError) -> tuple[str | bytes, int]:
    """Bytes without a character read as C1 controls, and characters without a byte are written as '?', as Windows does."""
    if isinstance(error, UnicodeDecodeError):
        return "".join(map(chr, error.object[error.start : error.end])), error.end
    if isinstance(error, UnicodeEncodeError):
        lost = error.object[error.start : error.end]
        return b"".join(bytes([ord(c)]) if 0x80 <= ord(c) < 0xA0 else b"?" for c in lost), error.end
    raise error


codecs.register_error("sqlserver", _as_windows_does)


@dataclass(frozen=True, slots=True)
class Collation:
    name: str
    lcid: int
    codec: str  # of char and varchar
    version: int
    sort_id: int
    ignore_case: bool
    ignore_accent: bool
    binary: bool
    supplementary: bool

    @property
    def wire(self) -> bytes:
        sensitive = 0 if self.binary else (self.ignore_case << 0 | self.ignore_accent << 1 | 1 << 2 | 1 << 3)
        flags = sensitive | (1 << 5 if self.binary else 0) | ((self.codec == "utf-8") << 6)
        return (self.lcid | flags << 20 | self.version << 28).to_bytes(4, "little") + bytes([self.sort_id])

    @property
    def code_page(self) -> int:
        return 65001 if self.codec == "utf-8" else int(self.codec.removeprefix("cp"))

    def decode(self, raw: bytes) -> str:
        return raw.decode(self.codec, "replace" if self.codec == "utf-8" else "sqlserver")

    def encode(self, text: str) -> bytes:
        if self.codec == "utf-8":
            return text.encode(WIDE, "surrogatepass").decode(WIDE, "replace").encode()
        return text.encode(self.codec, "sqlserver")

    def key(self, *, wide: bool) -> Callable[[bytes], bytes]:
        """Text as stored → bytes that sort and equal as the collation says."""
        if self.binary:
            return _wide_binary if wide else _narrow_binary
        options = (self.ignore_case, self.ignore_accent, not wide and self.sort_id != 0)
        if wide:
            return lambda raw: linguistic_key(raw.decode(WIDE, "surrogatepass"), *options)
        decode = self.decode
        return lambda raw: linguistic_key(decode(raw), *options)


def _wide_binary(raw: bytes) -> bytes:
    swapped = bytearray(raw)
    swapped[0::2], swapped[1::2] = raw[1::2], raw[0::2]
    while swapped[-2:] == b"\0 ":
        del swapped[-2:]
    return bytes(swapped)


def _narrow_binary(raw: bytes) -> bytes:
    return raw.rstrip(b" ")


@lru_cache(65536)
def _weights(letter: str) -> tuple[bytes, bytes, bytes]:
    """Primary weight, accents, case of one character."""
    plain = unicodedata.normalize("NFKD", letter)
    primary, accents, cases = b"", b"", b""
    for part in plain:
        kind = unicodedata.category(part)
        if kind.startswith("M"):
            accents += ord(part).to_bytes(3, "big")
            continue
        folded = part.casefold()
        rank = 5 if kind[0] == "L" else 4 if kind[0] == "N" else 1 if kind[0] in "ZC" else 2 if kind[0] == "P" else 3
        primary += b"".join(bytes([rank]) + ord(piece).to_bytes(3, "big") for piece in folded)
        cases += (b"\1" if folded == part else b"\2") * len(folded)
    return primary, b"\2" + accents if accents else b"\1", cases


@lru_cache(65536)
def linguistic_key(text: str, ignore_case: bool, ignore_accent: bool, string_sort: bool) -> bytes:
    weights = [_weights(letter) for letter in text.rstrip(" ")]
    minor = b""
    if not string_sort:
        minor = b"".join(
            at.to_bytes(4, "big") + one[0]
            for at, (one, letter) in enumerate(zip(weights, text.rstrip(" "), strict=True))
            if letter in "-'"
        )
        weights = [one for one, letter in zip(weights, text.rstrip(" "), strict=True) if letter not in "-'"]
    key = b"".join(one[0] for one in weights) + b"\0"
    if not ignore_accent:
        key += b"".join(one[1] + b"\1" for one in weights) + b"\0"
    if not ignore_case:
        key += b"".join(one[2] for one in weights) + b"\0"
    return key + minor


@lru_cache(256)
def collation(name: str) -> Collation:
    match = _NAME.fullmatch(name)
    known = match and _LANGUAGES.get(match["language"].lower())
    if match is None or known is None:
        raise SqlError(448, f"Invalid collation '{name}'.")
    rest = match["rest"].upper()
    lcid, codec = known
    return Collation(
        name=name,
        lcid=lcid,
        codec="utf-8" if match["utf8"] else codec,
        version=_VERSIONS[match["version"]],
        sort_id={"CI_AS": 52, "CS_AS": 51, "CI_AI": 54}.get(rest, 0) if name.upper().startswith("SQL_LATIN1_GENERAL_CP1_") else 0,
        ignore_case=rest.startswith("CI"),
        ignore_accent="_AI" in rest,
        binary=rest.startswith("BIN"),
        supplementary=match["sc"] is not None,
    )


DEFAULT = "SQL_Latin1_General_CP1_CI_AS"
CATALOGUE = collation(DEFAULT)


def wide(text: str) -> bytes:
    """A name or a text as nchar and nvarchar are stored here and sent: UTF-16, lone surrogates and all."""
    return text.encode(WIDE, "surrogatepass")


def narrow_text(raw: bytes) -> str:
    return raw.decode(WIDE, "surrogatepass")
