"""Where things lie below a folder, and what they are called: safe on Windows and POSIX, the same on both."""

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from dtaas_desktop.domain.target import REJECTED_SUFFIX

OURS = "_dtaas"  # everything of ours that is not for readers
MANIFEST = "_manifest.json"
SUCCESS = "_SUCCESS"

# Forbidden on Windows, special in globs (brackets), or our own escape.
_UNSAFE = set('<>:"/\\|?*%[]')
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)\s*(\..*)?")
_NAME_LIMIT = 120  # bytes: leaves room for revision, part and counter within the 255 of most file systems
_PART_LIMIT = 40


def component(name: str, *, limit: int = _NAME_LIMIT) -> str:
    """`name` as one path component: in NFC, awkward characters as %XX of their UTF-8, long names cut and told apart by a hash.

    Distinct names (beyond Unicode form) stay distinct. Never begins with “.” or “_”, which readers skip and we use ourselves.
    """
    text = unicodedata.normalize("NFC", name)
    pieces = [_percent(c) if c in _UNSAFE or unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") else c for c in text]
    if pieces and (pieces[0] in "._ ~-" or _RESERVED.fullmatch(text)):
        pieces[0] = _percent(text[0])
    if pieces and pieces[-1] in ". ":
        pieces[-1] = _percent(text[-1])
    if text.lower().endswith(REJECTED_SUFFIX):  # the place of another target's rejected rows
        pieces[-len(REJECTED_SUFFIX) + 1] = _percent("_")
    if len("".join(pieces).encode()) <= limit:
        return "".join(pieces) or "%"
    mark = "~" + hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:16]
    kept, size = [], len(mark)
    for piece in pieces:
        size += len(piece.encode())
        if size > limit:
            break
        kept.append(piece)
    return "".join(kept) + mark


def _percent(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode(errors="surrogatepass"))


@dataclass(frozen=True, slots=True)
class Places:
    """The places of one target below `root`; all but `root` are relative, with forward slashes."""

    root: Path
    name: str
    area: str = f"{OURS}/staging"

    @property
    def folder(self) -> str:
        return component(self.name)

    @property
    def rejected(self) -> str:
        return self.folder + REJECTED_SUFFIX

    @property
    def log(self) -> str:
        return f"{OURS}/targets/{self.folder}"

    def attempt(self, workspace: str, plan: str, nonce: str) -> str:
        """The staging folder of one attempt."""
        return f"{self.area}/{component(workspace)}/{component(plan)}/{self.folder}/{component(nonce)}"

    def final(self, role: str, partition: str, *, revision: int, part: str, token: str, counter: int, ending: str) -> str:
        """A data file's name for ever. `token` is new for each opened stage, so that no name is ever used again."""
        folder = self.rejected if role == "rejected" else self.folder
        name = f"{folder}-{revision:08}-{component(part, limit=_PART_LIMIT)}-{token}-{counter:04}{ending}"
        return "/".join(filter(None, (folder, partition, name)))
