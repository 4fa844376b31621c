"""The report of a bug: enough to find it, and nothing that is nobody's business.

No local variables and no environment, the home folder shortened, and what looks like a secret in a message struck out.
"""

import platform
import re
import traceback
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import qVersion

from dtaas_desktop import __version__

_STRUCK = (
    # user:password@host in an address
    (re.compile(r"(\w+://[^\s/:@]*):[^\s@]+@"), r"\1:…@"),
    # password=…, Pwd: …, "token": "…"
    (
        re.compile(
            r"((?:pass(?:word|wd|phrase|code)?|pwd|secret|token|api[-_ ]?key|access[-_ ]?key|private[-_ ]?key|credential|authorization)"
            r"[\w-]*[\"']?\s*[=:]\s*)(?:bearer\s+|basic\s+)?(\"[^\"]*\"|'[^']*'|\{[^}]*\}|[^\s,;&)\]}]+)",
            re.IGNORECASE,
        ),
        r"\1…",
    ),
    # what SQLAlchemy adds to a failed statement: values
    (re.compile(r"\[parameters: .*\]", re.DOTALL), "[parameters: …]"),
)


@dataclass(frozen=True, slots=True)
class ErrorReport:
    """`doing` says what the application was at; `place` is the same for the same error."""

    doing: str
    sentence: str
    place: tuple[str, str, int]
    text: str


def report_of(error: BaseException, doing: str) -> ErrorReport:
    """The report of this error."""
    trace = clean("".join(traceback.format_exception(error)).rstrip())
    frames = traceback.extract_tb(error.__traceback__)
    place = (type(error).__qualname__, frames[-1].filename if frames else "", (frames[-1].lineno or 0) if frames else 0)
    said = clean(str(error)).strip().split("\n", 1)[0]
    sentence = f"{type(error).__qualname__}: {said}" if said else type(error).__qualname__
    head = (
        f"DTaaS Desktop {__version__}\n{platform.platform()}\nPython {platform.python_version()} · Qt {qVersion()}\n"
        f"While {doing}\n"
    )
    return ErrorReport(doing, sentence, place, f"{head}\n{trace}\n")


def clean(text: str) -> str:
    """The text with the home folder as ~ and without what looks like a secret."""
    home = str(Path.home())
    if len(home) > 1:
        text = text.replace(home, "~")
    for pattern, instead in _STRUCK:
        text = pattern.sub(instead, text)
    return text
