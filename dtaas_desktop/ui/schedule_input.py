"""When a task runs by itself, and when that is next."""

import datetime

from PySide6.QtCore import Qt, QTime, Signal
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSpinBox, QTimeEdit, QVBoxLayout, QWidget

from dtaas_desktop.domain.schedule import Schedule, ScheduleKind, Unit, next_due
from dtaas_desktop.services.local_zone import LocalZone
from dtaas_desktop.ui.form_inputs import ChoiceInput
from dtaas_desktop.ui.ticks import day_and_time
from dtaas_desktop.ui.widgets import label

_KINDS: tuple[tuple[ScheduleKind, str], ...] = (
    ("on demand", "On demand"),
    ("every", "Every …"),
    ("daily", "Every day at a time"),
    ("weekly", "On days of the week"),
    ("continuous", "All the time"),
)
_UNITS: tuple[tuple[Unit, str], ...] = (("seconds", "seconds"), ("minutes", "minutes"), ("hours", "hours"))
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_LONGEST = 100_000


class ScheduleInput(QWidget):
    """`changed` tells every edit."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.kind = ChoiceInput(_KINDS)
        self.kind.setAccessibleName("When it runs")
        self.every, self.unit = QSpinBox(), ChoiceInput(_UNITS)
        self.every.setRange(1, _LONGEST)
        self.every.setAccessibleName("Every how many")
        self.every.setFixedWidth(90)
        self.unit.setAccessibleName("Seconds, minutes or hours")
        self.at = QTimeEdit()
        self.at.setDisplayFormat("HH:mm")
        self.at.setAccessibleName("At what time")
        self.at.setFixedWidth(90)
        for box in (self.every, self.at):
            box.lineEdit().setTextMargins(8, 0, 4, 0)
        self._at_word, self._every_word = label("at", "dim"), label("Every", "dim")
        self.days = [_day_button(name) for name in _DAYS]
        self._next = label("", "dim", wrap=True)
        self._lay_out()
        for signal in (self.kind.changed, self.unit.changed, self.every.valueChanged, self.at.timeChanged):
            signal.connect(self._edited)
        for day in self.days:
            day.clicked.connect(self._edited)
        self._adapt()

    def show_schedule(self, schedule: Schedule) -> None:
        """Show it, without telling that anything changed."""
        self.blockSignals(True)
        self.kind.show_value(schedule.kind)
        self.every.setValue(schedule.every)
        self.unit.show_value(schedule.unit)
        self.at.setTime(QTime.fromString(schedule.at, "HH:mm"))
        for number, day in enumerate(self.days):
            day.setChecked(number in schedule.days)
        self.blockSignals(False)
        self._adapt()

    def schedule(self) -> Schedule:
        kind = next(kind for kind, _ in _KINDS if kind == self.kind.value())
        unit = next(unit for unit, _ in _UNITS if unit == self.unit.value())
        chosen = tuple(number for number, day in enumerate(self.days) if day.isChecked())
        return Schedule(kind, self.every.value(), unit, self.at.time().toString("HH:mm"), chosen)

    def allow_continuous(self, allowed: bool) -> None:
        """A task without changes cannot run all the time."""
        model = self.kind.model()
        assert isinstance(model, QStandardItemModel)
        item = model.item(len(_KINDS) - 1)
        item.setEnabled(allowed)
        item.setToolTip("" if allowed else "Only a task with changes can run all the time.")

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.kind)
        self._days = QWidget()
        days = QHBoxLayout(self._days)
        days.setContentsMargins(0, 0, 0, 0)
        days.setSpacing(4)
        for day in self.days:
            days.addWidget(day)
        days.addStretch(1)
        column.addWidget(self._days)
        row = QHBoxLayout()
        row.setSpacing(8)
        fields: tuple[QWidget, ...] = (self._every_word, self.every, self.unit, self._at_word, self.at)
        for field in fields:
            row.addWidget(field)
        row.addStretch(1)
        column.addLayout(row)
        column.addWidget(self._next)

    def _edited(self) -> None:
        self._adapt()
        self.changed.emit()

    def _adapt(self) -> None:
        schedule = self.schedule()
        period: tuple[QWidget, ...] = (self._every_word, self.every, self.unit)
        for field in period:
            field.setVisible(schedule.kind == "every")
        time_of_day: tuple[QWidget, ...] = (self._at_word, self.at)
        for field in time_of_day:
            field.setVisible(schedule.kind in ("daily", "weekly"))
        self._days.setVisible(schedule.kind == "weekly")
        self._next.setText(next_words(schedule))

    @property
    def said(self) -> QLabel:
        """When it is due next, in words."""
        return self._next


def next_words(schedule: Schedule) -> str:
    """When a task with this schedule is due next, as a sentence."""
    if schedule.kind == "on demand":
        return "It runs when somebody says so."
    if schedule.kind == "continuous":
        return "It follows the changes as long as a window is open, and begins again after failures."
    due = next_due(schedule, datetime.datetime.now(datetime.UTC), LocalZone())
    if due is None:
        return "It is never due: choose a day."
    return f"Next: {day_and_time(due.timestamp())}. It runs while a window is open; times that were missed are made up for once."


def _day_button(name: str) -> QPushButton:
    made = QPushButton(name[:3])
    made.setProperty("kind", "day")
    made.setCheckable(True)
    made.setCursor(Qt.CursorShape.PointingHandCursor)
    made.setAccessibleName(name)
    made.setToolTip(name)
    return made
