"""Where a task's rows go, and how they are put there."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QVBoxLayout, QWidget

from dtaas_desktop.domain.connection import CONNECTION_KINDS, Connection
from dtaas_desktop.domain.file_settings import FileSettings
from dtaas_desktop.domain.kinds import DestinationSettings
from dtaas_desktop.ui.context import Context
from dtaas_desktop.ui.form_inputs import LinesInput
from dtaas_desktop.ui.forms import Form
from dtaas_desktop.ui.radio_choice import RadioChoice
from dtaas_desktop.ui.section import Section, show_choices, titled
from dtaas_desktop.ui.source_section import usable
from dtaas_desktop.ui.task_draft import WRITE_MODES, Draft
from dtaas_desktop.ui.widgets import button, label

_FILES = ("format", "compression", "json_style", "json_floats", "file_size_mb")
_UNITS = ("value", "year", "month", "day", "hour")


class DestinationSection(Section):
    connection_wanted = Signal()

    def __init__(self, context: Context) -> None:
        super().__init__("To")
        self._connections: Mapping[str, Connection] = {}
        self._transfer = "full load"
        self.connection = QComboBox()
        self._new = button("New …")
        self._new.setAccessibleName("New connection")
        self.naming = Form(DestinationSettings, context, only=("name",))
        self.mode = RadioChoice("Write mode", {str(value): words for value, words in WRITE_MODES.items()})
        self.deletes = Form(DestinationSettings, context, only=("deletes",))
        self.publishing = Form(DestinationSettings, context, only=("publish_seconds", "publish_mb"))
        self.files = Form(FileSettings, context, only=_FILES)
        self.partition = LinesInput(placeholder="ordered_at: month")
        self.partition.setFixedHeight(64)
        self._files = QWidget()
        self._given_levels: dict[str, dict[str, Any]] = {}  # a level may have more than its line shows
        self._lay_out()
        self.connection.currentIndexChanged.connect(self._edited)
        self._new.clicked.connect(self.connection_wanted)
        for signal in (self.mode.changed, self.partition.changed):
            signal.connect(self._edited)
        for form in (self.naming, self.deletes, self.publishing, self.files):
            form.changed.connect(self._edited)

    @property
    def chosen_connection(self) -> Connection | None:
        return self._connections.get(self.connection.currentData() or "")

    def show_draft(self, draft: Draft, connections: Mapping[str, Connection]) -> None:
        self._connections = connections
        settings = dict(draft.destination)
        show_choices(
            self.connection,
            usable(connections, "destination"),
            str(settings.get("connection", "")),
            nothing="Choose a connection",
        )
        for form in (self.naming, self.deletes, self.publishing):
            form.show_values({name: value for name, value in settings.items() if name in form.values()})
        self.mode.show_value(str(settings.get("write_mode", "replace")))
        files = settings.get("files", {})
        self.files.show_values({name: value for name, value in files.items() if name in _FILES})
        self._given_levels = {_line(level): dict(level) for level in files.get("partition_by", ())}
        self.partition.show_value(tuple(self._given_levels))
        self.show_transfer(draft)

    def show_connections(self, connections: Mapping[str, Connection]) -> None:
        """There are other connections now."""
        self._connections = connections
        chosen = str(self.connection.currentData() or "")
        show_choices(self.connection, usable(connections, "destination"), chosen, nothing="Choose a connection")
        self._adapt()

    def show_transfer(self, draft: Draft) -> None:
        """Offer the write modes that fit the draft's transfer; one that does not gives way to the first that does."""
        self._transfer = draft.options.transfer
        self.mode.offer(draft.write_modes)
        if self.mode.value not in draft.write_modes:
            self.mode.show_value("mirror" if "mirror" in draft.write_modes else draft.write_modes[0])
        self._adapt()

    def applied(self, draft: Draft) -> Draft:
        """The draft with what is chosen here; settings that are not asked now stay as they were."""
        return replace(draft, destination=self._settings(draft.destination))

    def _settings(self, given: Mapping[str, Any]) -> dict[str, Any]:
        settings = dict(given) | {"connection": self.connection.currentData() or "", "write_mode": self.mode.value}
        settings |= self.naming.values() | self.deletes.values()
        settings |= {name: value for name, value in self.publishing.values().items() if value is not None or name in settings}
        if self._holds_files:
            settings["files"] = self._file_settings(settings.get("files", {}))
        return settings

    def _file_settings(self, given: Mapping[str, Any]) -> dict[str, Any]:
        levels = [self._given_levels.get(line) or _level(line) for line in self._levels()]
        return dict(given) | self.files.values() | {"layout": "hive" if levels else "flat", "partition_by": levels}

    @property
    def wrong(self) -> QWidget | None:
        """The first form here that holds a mistake, which is then shown; None if there is none."""
        for form in (self.naming, self.publishing, self.files):
            if form.isVisible() and form.problems():
                form.reveal()
                return form
        return None

    @property
    def _holds_files(self) -> bool:
        connection = self.chosen_connection
        return connection is not None and CONNECTION_KINDS[connection.kind].holds_files

    def _levels(self) -> tuple[str, ...]:
        lines = self.partition.value()
        assert isinstance(lines, tuple)
        return lines

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(10)
        row.addWidget(titled("Connection", self.connection), 1)
        row.addWidget(self._new, 0, Qt.AlignmentFlag.AlignBottom)
        self.body.addLayout(row)
        self.body.addWidget(self.naming)
        self.body.addWidget(label("Write mode", "label"))
        self.body.addWidget(self.mode)
        self.body.addWidget(self.deletes)
        self.body.addWidget(self.publishing)
        inside = QVBoxLayout(self._files)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(10)
        inside.addWidget(label("Files", "heading"))
        inside.addWidget(self.files)
        inside.addWidget(
            titled(
                "Folders by",
                self.partition,
                "Columns, one a line, outermost first; of a date one can take the year, month, day or hour. Empty: all files together.",
            )
        )
        self.body.addWidget(self._files)
        self.end()

    def _edited(self) -> None:
        self._adapt()
        self.tell()

    def _adapt(self) -> None:
        self._files.setVisible(self._holds_files)
        # By a column that grows no deleted row is ever seen.
        self.deletes.setVisible(self.mode.value == "mirror" and not self._holds_files and self._transfer != "incremental")
        self.publishing.setVisible(self._transfer != "full load")
        # What is wrong with the connection is said at its own place.
        settings = self._settings({}) | {"connection": self.connection.currentData() or "none yet"}
        for form in (self.naming, self.deletes, self.publishing):
            form.beside(settings)
        self.files.beside(self._file_settings({}))


def _line(level: Mapping[str, Any]) -> str:
    unit = level.get("unit", "value")
    return str(level.get("column", "")) if unit == "value" else f"{level.get('column', '')}: {unit}"


def _level(line: str) -> dict[str, Any]:
    column, colon, unit = line.rpartition(":")
    if colon and unit.strip() in _UNITS:
        return {"column": column.strip(), "unit": unit.strip()}
    return {"column": line.strip()}
