"""What can be done with connections, as actions for buttons, menus, keys and the command palette."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QWidget


@dataclass(frozen=True)
class Deeds:
    """What the page does when an action is triggered."""

    new: Callable[[], None]
    save: Callable[[], None]
    test: Callable[[], None]
    duplicate: Callable[[], None]
    delete: Callable[[], None]
    back: Callable[[], None]


class ConnectionActions:
    """The actions of a page; `from_list` is what the Delete key means in this list."""

    def __init__(self, page: QWidget, from_list: QWidget, deeds: Deeds) -> None:
        self._page = page
        self.new = self._action("New connection", deeds.new)  # its keys are the window's
        self.save = self._action("Save connection", deeds.save, QKeySequence.StandardKey.Save)
        self.test = self._action("Test connection", deeds.test, QKeySequence("Ctrl+T"))
        self.duplicate = self._action("Duplicate connection", deeds.duplicate, QKeySequence("Ctrl+D"))
        self.delete = self._action("Delete connection", deeds.delete)
        self.back = self._action("Back to the connections", deeds.back, QKeySequence("Alt+Left"))
        in_list = QAction(from_list)
        in_list.setShortcut(QKeySequence(Qt.Key.Key_Delete))
        in_list.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        in_list.triggered.connect(deeds.delete)
        from_list.addAction(in_list)

    def allow(self, *, editing: bool, saved: bool, in_list: bool, chosen: bool) -> None:
        """What can be done now: an editor is open, on a saved connection; the list is shown, with one of it chosen."""
        self.save.setEnabled(editing)
        self.test.setEnabled(editing)
        self.back.setEnabled(not in_list)
        for action in (self.duplicate, self.delete):
            action.setEnabled(saved if editing else in_list and chosen)

    def menu(self, actions: Sequence[QAction]) -> QMenu:
        """A menu of these that goes away by itself."""
        menu = QMenu(self._page)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addActions(list(actions))
        return menu

    def _action(self, text: str, do: Callable[[], None], keys: QKeySequence | QKeySequence.StandardKey | None = None) -> QAction:
        made = QAction(text, self._page)
        if isinstance(keys, QKeySequence.StandardKey):
            made.setShortcuts(keys)
        elif keys is not None:
            made.setShortcut(keys)
        made.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        made.triggered.connect(do)
        self._page.addAction(made)
        return made
