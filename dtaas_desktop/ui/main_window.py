"""The window: the sidebar beside one page at a time, the actions that work everywhere, and the question before it closes."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Literal

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAction, QCloseEvent, QKeySequence, QResizeEvent
from PySide6.QtWidgets import QDialog, QHBoxLayout, QMainWindow, QStackedWidget, QWidget

from dtaas_desktop.domain.errors import AppError
from dtaas_desktop.services.runs_view import RunRecord
from dtaas_desktop.ui.context import Context, Place
from dtaas_desktop.ui.page import Page
from dtaas_desktop.ui.places import ENTRIES, FACTORIES, PageFactory
from dtaas_desktop.ui.question import Answer, Question
from dtaas_desktop.ui.sidebar import Sidebar
from dtaas_desktop.ui.theme import Choice
from dtaas_desktop.ui.toast import Toast
from dtaas_desktop.ui.tokens import Tone
from dtaas_desktop.ui.window_memory import WindowMemory
from dtaas_desktop.ui.words import state_words

NARROW_BELOW = 1100
_THEMES: tuple[tuple[str, Choice], ...] = (
    ("Use the dark theme", "dark"),
    ("Use the light theme", "light"),
    ("Use the theme of the system", "system"),
)


class MainWindow(QMainWindow):
    """One workspace. `left` tells that it is closed for good, with its runs as the user chose."""

    left = Signal()

    def __init__(
        self, context: Context, factories: Mapping[str, PageFactory] = FACTORIES, memory: WindowMemory | None = None
    ) -> None:
        super().__init__()
        self.context = context
        self._factories = factories
        self.memory = memory or WindowMemory(context.workspace.folder)
        self._entries = {entry.name: entry for entry in ENTRIES if entry.name in factories}
        self._pages: dict[str, Page] = {}
        self._shown = ""
        self._wants_narrow = self.memory.narrow
        self._may_close = False
        self._dialogs: dict[str, QDialog] = {}
        self.question: Question | None = None
        self.setWindowTitle("DTaaS Desktop")
        self.setMinimumSize(QSize(800, 560))
        self._make_actions()
        self.sidebar = Sidebar(context.theme, tuple(self._entries.values()), self._tools())
        self._stack = QStackedWidget()
        middle = self._middle = QWidget()
        row = QHBoxLayout(middle)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.sidebar)
        row.addWidget(self._stack, 1)
        # The focus of a window that has just opened: nowhere yet. Not a stop of Tab.
        middle.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setCentralWidget(middle)
        middle.setFocus()
        self.toast = Toast(context.theme, self)
        self.sidebar.chosen.connect(self.go)
        context.navigator.asked.connect(self._go_to)
        context.navigator.said.connect(self.toast.say)
        context.navigator.help_asked.connect(self.open_help)
        context.runs.changed.connect(self._show_runs)
        context.runs.failed.connect(self._tell_failure)
        context.runs.ended.connect(self._tell_end)
        self._show_runs()
        self._restore()

    @property
    def page(self) -> Page:
        """The page that is shown."""
        return self._pages[self._shown]

    @property
    def page_name(self) -> str:
        return self._shown

    def go(self, name: str, item: str = "", act: str = "") -> None:
        """Show a page (a name of places.ENTRIES), unless the present one keeps the user for unsaved changes."""
        if name != self._shown and self._shown:
            self.page.go_on = partial(self.go, name, item, act)
            if not self.page.may_leave():
                self.sidebar.show_page(self._shown)
                return
            self.page.left()
        if name not in self._pages:
            made = self._factories[name](self.context)
            self._pages[name] = made
            self._stack.addWidget(made)
        focus: QWidget | None = self.focusWidget()
        if self._shown and focus is not None and self.page.isAncestorOf(focus):
            self._middle.setFocus()  # else the keyboard would go on to the first button of the sidebar
        self._shown = name
        self._stack.setCurrentWidget(self._pages[name])
        self.sidebar.show_page(name)
        self.setWindowTitle(f"{self._entries[name].title} – DTaaS Desktop")
        self._pages[name].open(item, act)

    def actions_now(self) -> Sequence[QAction]:
        """What can be done now, here and everywhere."""
        here = self.page.actions_now()
        said = {action.text() for action in here}
        return [*here, *(one for one in self.actions() if one.isEnabled() and one.text() and one.text() not in said)]

    def close_without_asking(self) -> None:
        """Close for good; runs go on."""
        self._may_close = True
        self.close()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802  Qt's name
        super().resizeEvent(event)
        self._fit_sidebar()

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        self.page.go_on = self.close
        if not self._may_close and not (self.page.may_leave() and self._runs_may_be_left()):
            event.ignore()
            return
        self._may_close = True
        self.memory.keep_window(self.saveGeometry(), self._shown, self._wants_narrow)
        for dialog in list(self._dialogs.values()):
            dialog.close()
        event.accept()
        self.left.emit()

    def _make_actions(self) -> None:
        key = QKeySequence.StandardKey
        for at, entry in enumerate(self._entries.values(), 1):
            made = self._action(entry.title, f"Ctrl+{at}", partial(self.go, entry.name))
            if entry.name == "settings":
                made.setShortcuts([*made.shortcuts(), QKeySequence("Ctrl+,")])
        self._action("New task", key.New, partial(self.go, "tasks", "", "new"))
        self._action("New connection", "Ctrl+Shift+N", partial(self.go, "connections", "", "new"))
        self._action("Refresh", "F5", self._refresh)
        self._palette_action = self._action("Search everything", "Ctrl+K", self.open_palette)
        self._help_action = self._action("Help", "F1", self.open_help)
        self._narrow_action = self._action("Fold or unfold the sidebar", "Ctrl+B", self._toggle_sidebar)
        for text, choice in _THEMES:
            self._action(text, "", partial(self._choose_theme, choice))
        self._action("About DTaaS Desktop", "", self.open_about)
        self._action("Quit", "Ctrl+Q", self.close)

    def _action(self, text: str, shortcut: str | QKeySequence.StandardKey, then: Callable[[], object]) -> QAction:
        made = QAction(text, self)
        if isinstance(shortcut, QKeySequence.StandardKey):
            made.setShortcuts(shortcut)
        elif shortcut:
            made.setShortcut(QKeySequence(shortcut))
        made.triggered.connect(_Call(then))
        self.addAction(made)
        return made

    def _tools(self) -> list[tuple[str, QAction]]:
        return [("search", self._palette_action), ("help", self._help_action), ("sidebar", self._narrow_action)]

    def open_palette(self) -> None:
        """Ctrl+K: everything that can be done, by typing a part of it."""
        from dtaas_desktop.ui.command_palette import CommandPalette

        self._open("palette", CommandPalette(self))

    def open_help(self, topic: str = "") -> None:
        """F1: the help on the page that is shown, or on `topic` (a file name of resources/help without its ending)."""
        from dtaas_desktop.ui.help_view import HelpView

        wanted = topic or self.page.topic or self._entries[self._shown].topic
        known = self._dialogs.get("help")
        view = known if isinstance(known, HelpView) else HelpView(self, self.context.theme)
        view.open_topic(wanted)
        if known is None:
            self._open("help", view)
        view.raise_()
        view.activateWindow()

    def open_about(self) -> None:
        from dtaas_desktop.ui.about import About

        self._open("about", About(self, self.context.navigator))

    def _open(self, name: str, dialog: QDialog) -> None:
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.finished.connect(_Call(partial(self._close_dialog, name)))
        self._dialogs[name] = dialog
        if dialog.windowModality() == Qt.WindowModality.NonModal and name == "help":
            dialog.show()
        else:
            dialog.open()

    def _close_dialog(self, name: str) -> None:
        self._dialogs.pop(name, None)
        if not self._may_close:
            self.activateWindow()  # not every window system gives the keyboard back to where it came from

    def _refresh(self) -> None:
        self.context.runs.refresh()
        self.page.refresh()

    def _restore(self) -> None:
        if not self.restoreGeometry(self.memory.geometry):
            self.resize(1280, 820)
        first = self.memory.page if self.memory.page in self._entries else next(iter(self._entries))
        self._fit_sidebar()
        self.go(first)

    def _go_to(self, place: Place) -> None:
        self.go(place.page, place.item, place.act)

    def _toggle_sidebar(self) -> None:
        narrow = not self.sidebar.is_narrow
        self._wants_narrow = None if narrow == (self.width() < NARROW_BELOW) else narrow
        self._fit_sidebar()

    def _fit_sidebar(self) -> None:
        wanted = self.width() < NARROW_BELOW if self._wants_narrow is None else self._wants_narrow
        if wanted != self.sidebar.is_narrow:
            self.sidebar.show_narrow(wanted)

    def _choose_theme(self, choice: Choice) -> None:
        settings = self.context.workspace.settings

        def save() -> None:
            settings.save(settings.load().model_copy(update={"theme": choice}))

        self.context.theme.choose(choice)
        self.context.background.submit(self, save, _ignore, self._tell_error)

    def _show_runs(self) -> None:
        self.sidebar.show_runs(self.context.runs)

    def _tell_end(self, run: RunRecord) -> None:
        word, _ = state_words(run.state)
        tone: Tone = "green" if run.state == "done" else "red" if "failed" in run.state else "amber"
        self.toast.say(f"“{run.task_name}”: {word.lower()}.{f' {run.message}' if run.state == 'failed' else ''}", tone)

    def _tell_failure(self, task: str, error: AppError) -> None:
        self._tell_error(error)

    def _tell_error(self, error: AppError) -> None:
        self.toast.say(str(error), "red")

    def _runs_may_be_left(self) -> bool:
        """Whether nothing runs that a window has started; otherwise the user is asked, and the window closes with the answer."""
        running = self.context.runs.ours
        if not running and not self.context.runs.starting:
            return True
        if self.question is not None:
            return False
        names = [f"“{run.task_name}”" for run in running] or [f"“{name}”" for name in self.context.runs.starting]
        shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        one = len(names) == 1
        self.question = Question(
            self,
            "One task is running" if one else f"{len(names)} tasks are running",
            f"{shown} can go on without the window. What is paused keeps what it has staged and can be resumed; "
            f"what is cancelled keeps nothing of this run. {'It is' if one else 'They are'} in the history next time.",
            (
                Answer("Keep running", partial(self._leave_runs, "keep"), "primary"),
                Answer("Pause", partial(self._leave_runs, "pause")),
                Answer("Cancel the run" if one else "Cancel the runs", partial(self._leave_runs, "cancel"), "danger"),
                Answer("Stay here"),
            ),
        )
        self.question.finished.connect(self._forget_question)
        self.question.open()
        return False

    def _forget_question(self) -> None:
        self.question = None
        self.activateWindow()

    def _leave_runs(self, how: Literal["keep", "pause", "cancel"]) -> None:
        self.context.runs.closed.connect(self.close_without_asking)
        self.context.runs.close(how)


class _Call:
    """Calls without what a signal carries."""

    def __init__(self, then: Callable[[], object]) -> None:
        self._then = then

    def __call__(self, *_: object) -> None:
        self._then()


def _ignore(_: None) -> None:
    return
