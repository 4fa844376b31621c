"""A task, made and changed by a plain form: from, what, to, when, and the advanced options."""

from collections.abc import Mapping
from dataclasses import replace

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QLineEdit, QScrollArea, QVBoxLayout, QWidget

from dtaas_desktop.domain.connection import Connection
from dtaas_desktop.domain.problems import Problem
from dtaas_desktop.ui.context import Context
from dtaas_desktop.ui.destination_section import DestinationSection
from dtaas_desktop.ui.forms import Form
from dtaas_desktop.ui.icons import icon
from dtaas_desktop.ui.schedule_input import ScheduleInput
from dtaas_desktop.ui.section import Section, titled
from dtaas_desktop.ui.source_section import SourceSection
from dtaas_desktop.ui.task_draft import Draft, Place, kept_words, problems
from dtaas_desktop.ui.task_limits import TaskLimits, limits_of, options_with
from dtaas_desktop.ui.transfer_section import TransferSection
from dtaas_desktop.ui.widgets import Card, button, label

_TWO_COLUMNS = 860  # pixels that two columns need
_WIDEST = 1240


class TaskForm(QScrollArea):
    """`changed` tells every edit; what it holds is `draft()`. Mistakes are shown once somebody tried to save."""

    changed = Signal()
    connection_wanted = Signal()  # the user goes to make a connection, and will come back

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context = context
        self._draft: Draft | None = None
        self._given: Draft | None = None
        self._connections: Mapping[str, Connection] = {}
        self._revealed = False
        self.naming, self.kept = Section("Task"), Card()
        self.name = QLineEdit()
        self.name.setMaxLength(200)
        self.name.setPlaceholderText("Nightly sales")
        self._kept_text = label("", "dim", wrap=True)
        self.source, self.transfer = SourceSection(context), TransferSection(context)
        self.destination = DestinationSection(context)
        self.timing, self.schedule = Section("When it runs"), ScheduleInput()
        self.limits = Form(TaskLimits, context)
        self.advanced = Section("")
        self._more = button("Advanced", "link")
        self._lay_out()
        self._connect()
        self._paint()

    def show_draft(self, draft: Draft, connections: Mapping[str, Connection]) -> None:
        """Show a task that is to be made or changed."""
        self._draft, self._connections, self._revealed = None, connections, False  # None: the parts do not fit each other yet
        self.name.setText(draft.name)
        self.transfer.show_draft(draft)
        self.source.setVisible(draft.is_line)
        self.destination.setVisible(draft.is_line)
        if draft.is_line:
            self.source.show_draft(draft, connections)
            self.destination.show_draft(draft, connections)
        self.schedule.show_schedule(draft.schedule)
        self.limits.show_values(limits_of(draft.options).model_dump())
        self._show_kept(draft)
        self._show_problems({})
        self._draft = draft
        self._adapt()
        self._given = self.draft()
        self.verticalScrollBar().setValue(0)

    def show_connections(self, connections: Mapping[str, Connection]) -> None:
        """There are other connections now."""
        self._connections = connections
        if self._draft is not None and self._draft.is_line:
            self.source.show_connections(connections)
            self.destination.show_connections(connections)

    def draft(self) -> Draft:
        """What the form holds."""
        assert self._draft is not None, "nothing is shown yet"
        draft = replace(self._draft, name=self.name.text(), schedule=self.schedule.schedule())
        draft = self.transfer.applied(draft)
        if self.limits.is_dirty and not self.limits.problems():
            limits = TaskLimits.model_validate(self.limits.values())
            draft = replace(draft, options=options_with(limits, draft.options))
        if draft.is_line:
            draft = self.destination.applied(self.source.applied(draft))
        return draft

    @property
    def is_shown(self) -> bool:
        """Whether a task is in the form."""
        return self._draft is not None

    @property
    def is_dirty(self) -> bool:
        """Whether it holds something that is not saved."""
        return self._draft is not None and (self.draft() != self._given or self.limits.is_dirty or self._is_mistyped)

    @property
    def _is_mistyped(self) -> bool:
        """Whether something was typed that the draft cannot hold."""
        return self.transfer.is_followed and self.transfer.follow.following.look_back_value is None

    def clear(self) -> None:
        """The task is left: nothing is dirty any more."""
        self._draft = self._given = None

    def find_problems(self) -> bool:
        """Show every mistake and go to the first; False if there is none."""
        self._revealed = True
        found = self._problems()
        self._show_problems(found)
        fields = {
            "name": self.name,
            "source": self.source.connection,
            "tables": self.source.tables.which.radios["some"],
            "transfer": self.transfer.transfer.radios["full load"],
        }
        later = {"destination": self.destination.connection, "schedule": self.schedule.kind}
        wrong_form = self.destination.wrong if self.destination.isVisible() else None
        follows_wrongly = self.transfer.reveal()
        if self._focus_first_of(fields, found):
            return True
        if follows_wrongly:
            self.transfer.follow.focus_problem()
            self.ensureWidgetVisible(self.transfer.follow, 40, 120)
            return True
        if self._focus_first_of(later, found):
            return True
        if isinstance(wrong_form, Form):
            return wrong_form.focus_first_problem()
        if self.limits.problems():
            self._show_advanced(True)
            return self.limits.focus_first_problem()
        return bool(found)

    def _focus_first_of(self, fields: Mapping[str, QWidget], found: Mapping[Place, Problem]) -> bool:
        for place, field in fields.items():
            if place in found:
                field.setFocus()
                self.ensureWidgetVisible(field, 40, 120)
                return True
        return False

    def focus_first(self) -> None:
        """Put the keyboard into the first field."""
        self.name.setFocus()
        self.name.selectAll()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802  Qt's name
        super().resizeEvent(event)
        wide = self.viewport().width() >= _TWO_COLUMNS
        self._columns.setDirection(QBoxLayout.Direction.LeftToRight if wide else QBoxLayout.Direction.TopToBottom)

    def _lay_out(self) -> None:
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        inside = QWidget()
        outer = QHBoxLayout(inside)
        outer.setContentsMargins(20, 18, 20, 20)
        held = QWidget()
        held.setMaximumWidth(_WIDEST)
        outer.addWidget(held, 1, Qt.AlignmentFlag.AlignTop)
        self._columns = QBoxLayout(QBoxLayout.Direction.LeftToRight, held)
        self._columns.setContentsMargins(0, 0, 0, 0)
        self._columns.setSpacing(14)
        self.naming.body.addWidget(titled("Name", self.name))
        self.naming.end()
        self.kept.body.addWidget(self._kept_text)
        self.timing.body.addWidget(self.schedule)
        self.timing.end()
        line = QHBoxLayout()
        line.addWidget(self._more)
        line.addStretch(1)
        self.advanced.body.addLayout(line)
        self.advanced.body.addWidget(self.limits)
        self.advanced.end()
        self.advanced.setAccessibleName("Advanced")
        self.limits.hide()
        left = (self.naming, self.source, self.transfer)
        right = (self.destination, self.kept, self.timing, self.advanced)
        for cards in (left, right):
            column = QVBoxLayout()
            column.setSpacing(14)
            for card in cards:
                column.addWidget(card)
            column.addStretch(1)
            self._columns.addLayout(column, 1)
        self.setWidget(inside)

    def _connect(self) -> None:
        self.name.textChanged.connect(self._edited)
        self.source.changed.connect(self._edited)
        self.source.listed.connect(self._adapt)
        self.transfer.changed.connect(self._edited)
        self.destination.changed.connect(self._edited)
        self.schedule.changed.connect(self._edited)
        self.limits.changed.connect(self._edited)
        self.source.connection_wanted.connect(self.connection_wanted)
        self.destination.connection_wanted.connect(self.connection_wanted)
        self._more.clicked.connect(self._toggle_advanced)
        self._context.theme.changed.connect(self._paint)

    def _edited(self) -> None:
        if self._draft is None:
            return
        self._adapt()
        if self._revealed:
            self._show_problems(self._problems())
        self.changed.emit()

    def _adapt(self) -> None:
        """Each part offers what goes with the others."""
        if self._draft is None:
            return
        draft = self.draft()
        if draft.is_line:
            self.transfer.show_source(self.source.chosen_connection, self.source.tables.chosen(), self.source.found)
            self.destination.show_transfer(draft)
            self.transfer.show_write_mode(self.draft().destination.get("write_mode", "replace"))
        self.schedule.allow_continuous(draft.options.transfer != "full load")

    def _problems(self) -> dict[Place, Problem]:
        found = problems(self.draft(), self._connections)
        refused = self.transfer.refused
        return found if refused is None else {**found, "transfer": refused}

    def _show_problems(self, found: Mapping[Place, Problem]) -> None:
        self.naming.show_problem(found.get("name"))
        self.source.show_problem(found.get("source") or found.get("tables"))
        self.transfer.show_problem(found.get("transfer"))
        self.destination.show_problem(found.get("destination"))
        self.timing.show_problem(found.get("schedule"))

    def _show_kept(self, draft: Draft) -> None:
        """Say what of the design this form does not change."""
        text = kept_words(draft)
        self._kept_text.setText(text)
        self.kept.setVisible(bool(text))

    def _toggle_advanced(self) -> None:
        self._show_advanced(self.limits.isHidden())

    def _show_advanced(self, shown: bool) -> None:
        self.limits.setVisible(shown)
        self._paint()

    def _paint(self) -> None:
        name = "right" if self.limits.isHidden() else "down"
        self._more.setIcon(icon(name, self._context.theme.tokens.accent))
