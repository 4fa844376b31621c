"""What this is: version, platform, and the licences of what comes with it."""

import platform
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution

from PySide6.QtCore import qVersion
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QHBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

from dtaas_desktop import __version__
from dtaas_desktop.services.resources import resources_folder
from dtaas_desktop.ui.context import Navigator
from dtaas_desktop.ui.widgets import button, label

# What the application is made of; what these need in turn is found through their own metadata.
_ROOTS = (
    "pyarrow",
    "duckdb",
    "adbc-driver-sqlite",
    "pydantic",
    "SQLAlchemy",
    "alembic",
    "platformdirs",
    "filelock",
    "rich",
    "cryptography",
    "tenacity",
    "keyring",
    "psycopg",
    "psycopg-binary",
    "PySide6-Essentials",
    "pyqtgraph",
    "qtawesome",
    "pyodbc",
    "arrow-odbc",
    "snowflake-connector-python",
    "boto3",
    "pandas",
    "tzdata",
)
_UNMARKED = re.compile(r"^[A-Za-z0-9._-]+")
_LONGEST_NAME = 60  # some packages put the whole text of their licence where its name belongs


@dataclass(frozen=True, slots=True)
class Part:
    name: str
    version: str
    licence: str


class About(QDialog):
    """All of it can be copied."""

    def __init__(self, parent: QWidget, navigator: Navigator) -> None:
        super().__init__(parent)
        self._navigator = navigator
        self.setWindowTitle("About DTaaS Desktop")
        self.resize(620, 560)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 22, 24, 20)
        column.setSpacing(8)
        column.addWidget(label(f"DTaaS Desktop {__version__}", "title"))
        column.addWidget(label(machine(), "dim", wrap=True))
        column.addSpacing(6)
        column.addWidget(label("It is made with these parts, each under its own licence:", "label"))
        self.text = QPlainTextEdit()
        self.text.setReadOnly(True)
        self.text.setAccessibleName("Parts and licences")
        self.text.setTabChangesFocus(True)
        self.text.setPlainText(licences())
        column.addWidget(self.text, 1)
        row = QHBoxLayout()
        row.addStretch(1)
        copy, close = button("Copy"), button("Close", "primary")
        copy.clicked.connect(self._copy)
        close.clicked.connect(self.accept)
        close.setDefault(True)
        row.addWidget(copy)
        row.addWidget(close)
        column.addLayout(row)

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(f"DTaaS Desktop {__version__}\n{machine()}\n\n{self.text.toPlainText()}")
        self._navigator.say("Copied.")


def machine() -> str:
    """What it runs on, in a line."""
    return f"Qt {qVersion()} · Python {platform.python_version()} · {platform.platform()}"


def licences() -> str:
    """Every part with version and licence, a line each, then the licences of the fonts in full."""
    lines = [f"{part.name} {part.version}: {part.licence}" for part in parts()]
    fonts = [file.read_text(encoding="utf-8").strip() for file in sorted((resources_folder() / "fonts").glob("*.txt"))]
    return "\n".join(lines) + "".join(f"\n\n\n{text}" for text in fonts)


def parts() -> Sequence[Part]:
    """The packages that the application is made of, as far as they are installed here, by name."""
    found = {one.metadata["Name"].casefold(): one for one in _closure()}
    return [Part(one.metadata["Name"], one.version, _licence(one)) for _, one in sorted(found.items())]


def _closure() -> Iterator[Distribution]:
    seen: set[str] = set()
    waiting = list(_ROOTS)
    while waiting:
        name = waiting.pop()
        folded = re.sub(r"[-_.]+", "-", name).casefold()
        if folded in seen:
            continue
        seen.add(folded)
        try:
            one = distribution(name)
        except PackageNotFoundError:
            continue  # an optional part, or of another platform
        yield one
        needs = [need for need in one.requires or () if "extra ==" not in need]
        waiting += [match.group() for need in needs if (match := _UNMARKED.match(need))]


def _licence(one: Distribution) -> str:
    told = next((str(text) for name in ("License-Expression", "License") for text in one.metadata.get_all(name) or ()), "")
    if told and "\n" not in told and len(told) <= _LONGEST_NAME and told.upper() != "UNKNOWN":
        return told
    classifiers = [str(text) for text in one.metadata.get_all("Classifier") or () if str(text).startswith("License ::")]
    names = [text.rsplit(" :: ", 1)[-1] for text in classifiers if text != "License :: OSI Approved"]
    first_line = told.strip().split("\n", 1)[0][:_LONGEST_NAME]
    return ", ".join(names) or first_line or "see its own files"
