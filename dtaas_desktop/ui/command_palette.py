"""Ctrl+K: everything that can be done, found by typing a part of it. The keyboard is enough."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QAbstractListModel, QEvent, QModelIndex, QObject, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QColor, QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QLineEdit,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from dtaas_desktop.domain.errors import AppError
from dtaas_desktop.domain.task import Task
from dtaas_desktop.services.history import RESUMABLE
from dtaas_desktop.services.run_request import RunRequest
from dtaas_desktop.ui.fuzzy import score
from dtaas_desktop.ui.help_topics import topics
from dtaas_desktop.ui.theme import Theme, body_font
from dtaas_desktop.ui.widgets import label

if TYPE_CHECKING:
    from dtaas_desktop.ui.main_window import MainWindow

Index = QModelIndex | QPersistentModelIndex
_MOVES = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_PageDown: 8, Qt.Key.Key_PageUp: -8}
_RECENT_FIRST = 1000.0
_ROW_HEIGHT = 34


@dataclass(frozen=True, slots=True)
class Command:
    """`key` is its identity in the list of recent ones; `hint` says what kind it is, `keys` the shortcut."""

    key: str
    text: str
    hint: str
    then: Callable[[], object]
    keys: str = ""


class CommandPalette(QDialog):
    """Closes with what was chosen, or Esc."""

    def __init__(self, window: "MainWindow") -> None:
        super().__init__(window, Qt.WindowType.FramelessWindowHint)
        self._window = window
        self.setProperty("role", "palette")
        self.setWindowTitle("Search everything")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        column = QVBoxLayout(self)
        column.setContentsMargins(1, 1, 1, 6)
        column.setSpacing(4)
        self.search = QLineEdit()
        self.search.setProperty("role", "palette")
        self.search.setPlaceholderText("What do you want to do?")
        self.search.setAccessibleName("Search everything")
        self.search.textChanged.connect(self._filter)
        self.search.installEventFilter(self)
        self.list = QListView()
        self.list.setAccessibleName("What can be done")
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setUniformItemSizes(True)
        self.model = _Found()
        self.list.setModel(self.model)
        self.list.setItemDelegate(_Row(window.context.theme, self.list))
        self.list.clicked.connect(self._choose)
        self._nothing = label("Nothing is called like that.", "dim")
        self._nothing.setContentsMargins(16, 8, 16, 8)
        self._nothing.hide()
        column.addWidget(self.search)
        column.addWidget(self.list, 1)
        column.addWidget(self._nothing)
        self._commands = [*self._actions(), *self._topics()]
        self._filter("")
        self._read_names()
        self._place()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802  Qt's name
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            if event.key() in _MOVES:
                self._move(_MOVES[Qt.Key(event.key())])
                return True
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._choose(self.list.currentIndex())
                return True
        return False

    def _move(self, by: int) -> None:
        count = self.model.rowCount()
        if not count:
            return
        row = self.list.currentIndex().row()
        # One step goes round; a page stops at the end.
        to = (row + by) % count if abs(by) == 1 else min(count - 1, max(0, row + by))
        self.list.setCurrentIndex(self.model.index(to, 0))

    def _choose(self, index: QModelIndex) -> None:
        if not index.isValid():
            return
        command = self.model.commands[index.row()]
        self._window.memory.keep_recent(command.key)
        self.accept()
        command.then()

    def _filter(self, letters: str) -> None:
        recent = self._window.memory.recent
        ranked: list[tuple[float, int, Command]] = []
        for at, command in enumerate(self._commands):
            points = score(letters, command.text)
            if points is None:
                continue
            if command.key in recent:
                age = recent.index(command.key)
                points += (_RECENT_FIRST - age) if not letters.strip() else (4.0 - age / 4)
            ranked.append((-points, at, command))
        ranked.sort(key=lambda one: one[:2])
        self.model.show_commands([command for _, _, command in ranked])
        self.list.setCurrentIndex(self.model.index(0, 0))
        self._nothing.setVisible(not ranked)
        self.list.setVisible(bool(ranked))
        self._fit()

    def _actions(self) -> list[Command]:
        found = []
        for action in self._window.actions_now():
            text = action.text().replace("&", "")
            keys = action.shortcut().toString()
            found.append(Command(f"action {text}", text, "", action.trigger, keys))
        return [one for one in found if one.text != "Search everything"]

    def _topics(self) -> list[Command]:
        return [
            Command(f"help {topic.name}", f"Help: {topic.title}", "Help", partial(self._window.open_help, topic.name))
            for topic in topics()
        ]

    def _read_names(self) -> None:
        workspace = self._window.context.workspace

        def read() -> tuple[list[Task], list[str]]:
            return workspace.tasks.all(), sorted(workspace.connections.all())

        self._window.context.background.submit(self, read, self._add_names, self._leave_them_out)

    def _leave_them_out(self, error: AppError) -> None:
        self._window.context.navigator.say(error.message)

    def _add_names(self, names: tuple[list[Task], list[str]]) -> None:
        tasks, connections = names
        go = self._window.go
        for task in tasks:
            self._commands += self._of_task(task)
        for name in connections:
            self._commands.append(Command(f"connection {name}", f"Open {name}", "Connection", partial(go, "connections", name)))
        self._filter(self.search.text())

    def _of_task(self, task: Task) -> Sequence[Command]:
        runs, go = self._window.context.runs, self._window.go
        latest = runs.latest.get(task.uuid)
        name, uuid = task.name, task.uuid
        found = [Command(f"open {uuid}", f"Open {name}", "Task", partial(go, "tasks", uuid))]
        if any(run.task == uuid for run in runs.running):
            found.append(Command(f"pause {uuid}", f"Pause {name}", "Task", partial(runs.pause, uuid)))
            found.append(Command(f"cancel {uuid}", f"Cancel {name}", "Task", partial(runs.cancel, uuid)))
        else:
            found.insert(0, Command(f"run {uuid}", f"Run {name}", "Task", partial(runs.start, RunRequest(name))))
            if latest is not None and latest.state in RESUMABLE:
                resume = partial(runs.start, RunRequest(name, resume=True))
                found.append(Command(f"resume {uuid}", f"Resume {name}", "Task", resume))
        if latest is not None:
            found.append(Command(f"latest {uuid}", f"Show the last run of {name}", "Run", partial(go, "runs", latest.id)))
        return found

    def _fit(self) -> None:
        room, rows = self._window.size(), max(2, self.model.rowCount())
        self.resize(min(620, room.width() - 60), min(460, 66 + rows * _ROW_HEIGHT, room.height() - 120))

    def _place(self) -> None:
        room = self._window.size()
        self._fit()
        corner = self._window.mapToGlobal(self._window.rect().topLeft())
        self.move(corner.x() + (room.width() - self.width()) // 2, corner.y() + 72)


class _Found(QAbstractListModel):
    def __init__(self) -> None:
        super().__init__()
        self.commands: list[Command] = []

    def show_commands(self, commands: Sequence[Command]) -> None:
        self.beginResetModel()
        self.commands = list(commands)
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: N802, B008  Qt's signature
        return 0 if parent.isValid() else len(self.commands)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        command = self.commands[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return command.text
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return ", ".join(filter(None, (command.text, command.hint, command.keys)))
        return command if role == Qt.ItemDataRole.UserRole else None


class _Row(QStyledItemDelegate):
    """The text, and at the right what it is and its keys."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:  # noqa: N802
        return QSize(100, _ROW_HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        command: Command = index.data(Qt.ItemDataRole.UserRole)
        tokens = self._theme.tokens
        room: QRect = option.rect
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if option.state & QStyle.StateFlag.State_Selected:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(tokens.accent_fill))
            painter.drawRoundedRect(room.adjusted(6, 1, -6, -1), 7, 7)
        painter.setFont(body_font())
        right = command.keys or command.hint
        width = painter.fontMetrics().horizontalAdvance(right)
        inner = room.adjusted(16, 0, -18, 0)
        painter.setPen(QColor(tokens.dim))
        painter.drawText(inner, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, right)
        painter.setPen(QColor(tokens.text))
        text = painter.fontMetrics().elidedText(command.text, Qt.TextElideMode.ElideRight, inner.width() - width - 16)
        painter.drawText(inner, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, text)
        painter.restore()
