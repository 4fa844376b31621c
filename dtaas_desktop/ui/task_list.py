"""The list of tasks with a search, and beside it the chosen task or what a check of it found."""

import sys
import time
from collections.abc import Mapping

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QScrollArea, QStackedWidget, QVBoxLayout, QWidget

from dtaas_desktop.domain.errors import AppError
from dtaas_desktop.ui.check_view import CheckView
from dtaas_desktop.ui.context import Context
from dtaas_desktop.ui.search_field import SearchField
from dtaas_desktop.ui.tables import RecordModel, RecordTable
from dtaas_desktop.ui.task_actions import MENU, MORE, TaskActions
from dtaas_desktop.ui.task_columns import COLUMNS, GIVING_WAY
from dtaas_desktop.ui.task_now import TaskNow
from dtaas_desktop.ui.task_panel import TaskPanel, more_menu
from dtaas_desktop.ui.widgets import SearchCard, label

_PANEL = 372  # pixels


class TaskList(QWidget):
    """`chosen`: another task is current, or the same one changed."""

    chosen = Signal()

    def __init__(self, context: Context, actions: TaskActions) -> None:
        super().__init__()
        self._actions = actions
        self._all: list[TaskNow] = []
        self._failed: Mapping[str, AppError] = {}
        self.search = SearchField("Search tasks")
        self.search.setMaximumWidth(320)
        self._count = label("", "dim")
        self.model = RecordModel[TaskNow](COLUMNS, lambda now: now.task.uuid)
        self.table = RecordTable[TaskNow](context.theme, self.model, "Tasks")
        self._nothing = label("", "dim")
        self._nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.panel, self.check = TaskPanel(context, actions.actions), CheckView(context)
        self._side = QStackedWidget()
        self._lay_out()
        self._connect()

    def show_tasks(self, tasks: list[TaskNow], failed: Mapping[str, AppError]) -> None:
        """Show these; `failed` holds by name why tasks could not be started."""
        self._all, self._failed = tasks, failed
        self._filter()

    def choose(self, uuid: str) -> None:
        """Make this task the current one."""
        if not any(now.task.uuid == uuid for now in self.model.records):
            self.search.clear()
        for row, now in enumerate(self.model.records):
            if now.task.uuid == uuid:
                self.table.choose(row)

    def show_check(self) -> None:
        """Show the check in the place of the task."""
        self._side.setCurrentIndex(1)
        self._scrolls[1].verticalScrollBar().setValue(0)

    def show_task_again(self) -> None:
        self._side.setCurrentIndex(0)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802  Qt's name
        super().resizeEvent(event)
        room = self.width() - _PANEL - 54
        for column, least in GIVING_WAY:
            self.table.setColumnHidden(column, room < least)

    def _lay_out(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(20, 18, 20, 20)
        row.setSpacing(14)
        card = SearchCard(self.search, self._count)
        card.body.addWidget(self.table, 1)
        card.body.addWidget(self._nothing, 1)
        self._nothing.hide()
        row.addWidget(card, 1)
        self._scrolls = [_scrolled(one) for one in (self.panel, self.check)]
        for scroll in self._scrolls:
            self._side.addWidget(scroll)
        self._side.setFixedWidth(_PANEL)
        row.addWidget(self._side)

    def _connect(self) -> None:
        self.search.textChanged.connect(self._filter)
        self.table.chosen.connect(self._choose)
        self.table.opened.connect(self._open)
        self.table.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.table.customContextMenuRequested.connect(self._show_menu)
        self.panel.more_wanted.connect(self._show_more)
        self.check.closed.connect(self.show_task_again)
        # On the table alone: in a text field this key means something else.
        delete = QShortcut(QKeySequence(QKeySequence.StandardKey.Delete), self.table)
        delete.setContext(Qt.ShortcutContext.WidgetShortcut)
        delete.activated.connect(self._actions.actions["delete"].trigger)
        if sys.platform != "win32":  # there the system itself sends the context menu for this key
            menu = QShortcut(QKeySequence("Shift+F10"), self.table)
            menu.setContext(Qt.ShortcutContext.WidgetShortcut)
            menu.activated.connect(self._show_menu_at_current)
        self.search.down.connect(self.table.setFocus)

    def _filter(self) -> None:
        wanted = self.search.text().strip().casefold()
        found = [now for now in self._all if wanted in now.task.name.casefold() or wanted in now.route.casefold()]
        self.model.show_records(found)
        count = len(self._all)
        self._count.setText(
            f"{count:,} task{'s' if count != 1 else ''}" if len(found) == count else f"{len(found):,} of {count:,}"
        )
        self.table.setVisible(bool(found))
        self._nothing.setVisible(not found)
        self._nothing.setText(f"No task is called like “{self.search.text().strip()}”.")
        if found and self.table.current is None:
            self.table.choose(0)
        self._show_current()

    def _choose(self, _: TaskNow | None) -> None:
        self.show_task_again()
        self._show_current()

    def _show_current(self) -> None:
        now = self.table.current
        self._actions.show_task(now)
        self._side.setVisible(now is not None)
        if now is not None:
            self.panel.show_task(now, time.time(), self._failed.get(now.task.name))
        self.panel.follow_actions()
        self.chosen.emit()

    def _open(self, _: TaskNow) -> None:
        self._actions.actions["edit"].trigger()

    def _show_menu_at_current(self) -> None:
        self._show_menu(QPoint(-1, -1))

    def _show_menu(self, where: QPoint) -> None:
        index = self.table.indexAt(where)
        if index.isValid():
            self.table.setCurrentIndex(index)
        elif self.table.current is not None:  # by the keyboard: at the current row
            where = self.table.visualRect(self.table.currentIndex()).center()
        if self.table.current is not None:
            more_menu(self, self._actions.actions, MENU).popup(self.table.viewport().mapToGlobal(where))

    def _show_more(self, under: QPushButton) -> None:
        more_menu(self, self._actions.actions, MORE).popup(under.mapToGlobal(QPoint(0, under.height() + 2)))


def _scrolled(inside: QWidget) -> QScrollArea:
    held = QWidget()
    column = QVBoxLayout(held)
    column.setContentsMargins(0, 0, 0, 0)
    column.addWidget(inside)
    made = QScrollArea()
    made.setWidgetResizable(True)
    made.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    made.setWidget(held)
    made.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    return made
