"""The page of connections: the list, the kinds of a new one, and the editor of one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QStackedWidget, QWidget

from dtaas_desktop.domain.connection import CONNECTION_KINDS, Connection
from dtaas_desktop.domain.errors import AppError
from dtaas_desktop.domain.secret_ref import SecretStore
from dtaas_desktop.domain.task import Task
from dtaas_desktop.services.browse import used_by
from dtaas_desktop.services.workspace import Workspace
from dtaas_desktop.ui.connection_actions import ConnectionActions, Deeds
from dtaas_desktop.ui.connection_editor import ConnectionEditor, TestState
from dtaas_desktop.ui.connection_list import ConnectionList, KindChoice, ListedConnection
from dtaas_desktop.ui.connection_questions import may_delete, still_used, unsaved
from dtaas_desktop.ui.context import Context
from dtaas_desktop.ui.page import Page
from dtaas_desktop.ui.question import Answer, Question
from dtaas_desktop.ui.tokens import Tone
from dtaas_desktop.ui.widgets import IconButton, button, restyle, take_out

_UNTESTED: tuple[str, Tone] = ("Not tested", "quiet")


@dataclass(frozen=True, slots=True)
class _Known:
    """What the workspace knows: the connections, the tasks that use each, where secrets go unless told otherwise."""

    connections: Mapping[str, Connection]
    users: Mapping[str, tuple[Task, ...]]
    store: SecretStore


class ConnectionsPage(Page):
    """Items are names of connections; acts: “new”, and “delete”, “duplicate”, “rename” of an item."""

    def __init__(self, context: Context) -> None:
        self._views = QStackedWidget()
        super().__init__(context, "Connections", self._views)
        self.list = ConnectionList(context.theme)
        self.kinds = KindChoice(context.theme)
        self.editor: ConnectionEditor | None = None
        self._views.addWidget(self.list)
        self._views.addWidget(self.kinds)
        self._known = _Known({}, {}, "keyring")
        self._tests: dict[str, TestState] = {}
        self.question: Question | None = None
        self._after_save: Callable[[], None] | None = None
        self._new = button("New connection", "primary")
        self._save = button("Save")
        self._more = IconButton("more", "More actions", context.theme)
        for one in (self._new, self._save, self._more):
            self.header.add(one)
        deeds = Deeds(self._choose_kind, self._save_now, self._test_now, self._duplicate_now, self._delete_now, self._back)
        self._acts = ConnectionActions(self, self.list.list, deeds)
        self._new.clicked.connect(self._choose_kind)
        self._save.clicked.connect(self._save_now)
        self._more.clicked.connect(self._open_more)
        self.list.opened.connect(self._open_named)
        self.list.menu_asked.connect(self._open_list_menu)
        self.kinds.chosen.connect(self._begin)
        self._show_view(self.list)
        self.body.show_loading("Reading the connections …")

    # Where one can be: the list, the kinds, one connection.

    def open(self, item: str = "", act: str = "") -> None:
        """Show the list, a connection, or the kinds of a new one (“new”)."""
        if self.editor is not None and self.editor.is_dirty:
            if item or act:
                self._ask_unsaved(partial(self.open, item, act))
            return  # what is being edited stays
        self._leave_editor()
        if not item:
            self._show_view(self.list)
        self._refresh(partial(self._arrive, item, act))

    def left(self) -> None:
        if self.editor is not None:
            self.editor.stop()

    @property
    def topic(self) -> str:
        return self.editor.kind.topic if self.editor is not None else ""

    def may_leave(self) -> bool:
        """Not while something is unsaved: then ask, and go on where the user wanted to go."""
        if self.editor is None or not self.editor.is_dirty:
            return True
        self._ask_unsaved(self._go_on)
        return False

    def refresh(self) -> None:
        if self.editor is None:
            self._refresh()

    def _arrive(self, item: str, act: str) -> None:
        if act == "new":
            self._choose_kind()
        elif item and item not in self._known.connections:
            self.context.navigator.say(f"There is no connection “{item}” any more.")
        elif item and act == "delete":
            self._ask_delete(item)
        elif item and act == "duplicate":
            self._duplicate(item)
        elif item:
            self._open_named(item)
            if act == "rename" and self.editor is not None:
                self.editor.focus_name()

    def _refresh(self, then: Callable[[], None] | None = None) -> None:
        """Read what the workspace knows, show the list, then go on."""

        def fill(known: _Known) -> None:
            self._known = known
            self._fill_list()
            if then is not None:
                then()

        def fail(error: AppError) -> None:
            self._show_view(self.list)
            self.body.show_error(error, self._refresh)

        workspace = self.context.workspace
        self.context.background.submit(self, lambda: _read(workspace), fill, fail)

    def _fill_list(self) -> None:
        lines = [
            ListedConnection(
                connection,
                tuple(task.name for task in self._known.users.get(name, ())),
                self._test_words(connection),
            )
            for name, connection in sorted(self._known.connections.items(), key=lambda pair: pair[0].casefold())
        ]
        self.list.show_lines(lines)
        if self.editor is None and self._views.currentWidget() is self.list:
            self._show_list()

    def _show_list(self) -> None:
        self._show_view(self.list)
        if self._known.connections:
            self.body.show_full()
            self.list.list.setFocus()
        else:
            begin = button("New connection", "primary")
            begin.clicked.connect(self._choose_kind)
            sample = button("Try the sample")
            sample.clicked.connect(self._go_to_dashboard)
            self.body.show_empty(
                "No connections yet",
                "A connection says where tables are read from or written to: a server, a file, a folder. Tasks use them.",
                [begin, sample],
                mark="connections",
            )

    def _choose_kind(self) -> None:
        if self.editor is not None and self.editor.is_dirty:
            self._ask_unsaved(self._choose_kind)
            return
        self._leave_editor()
        self._show_view(self.kinds)
        self.body.show_full()
        self.kinds.cards[0].setFocus()

    def _begin(self, kind: str) -> None:
        self._open_editor(Connection("", kind), new=True)

    def _open_named(self, name: str) -> None:
        connection = self._known.connections[name]
        if connection.kind not in CONNECTION_KINDS:
            self.context.navigator.say(f"“{name}” has the kind “{connection.kind}”, which this version does not know.")
            return
        self._open_editor(connection, new=False)

    def _open_editor(self, connection: Connection, *, new: bool) -> None:
        self._leave_editor()
        others = self._known.connections.keys() - {connection.name}
        self.editor = ConnectionEditor(self.context, connection, new=new, others=others, store=self._known.store)
        self.editor.changed.connect(self._judge)
        self.editor.saved.connect(self._note_saved)
        self._views.addWidget(self.editor)
        self._show_view(self.editor)
        self.body.show_full()
        if new:
            self.editor.focus_name()
        else:
            self.editor.form.focus_first()

    def _leave_editor(self) -> None:
        if self.editor is not None:
            self.editor.stop()
            self._views.removeWidget(self.editor)
            take_out(self.editor)
            self.editor = None

    def _show_view(self, view: QWidget) -> None:
        self._views.setCurrentWidget(view)
        inside = view is not self.list
        self.header.show_title(
            "New connection" if inside else "Connections", crumb="Connections" if inside else "", back=self._back
        )
        self._judge()

    def _back(self) -> None:
        if self.editor is not None and self.editor.is_dirty:
            self._ask_unsaved(self._to_list)
        else:
            self._to_list()

    def _to_list(self) -> None:
        was = self.editor.saved_as if self.editor is not None else ""
        self._leave_editor()
        self._fill_list()
        self._show_list()
        self.list.choose(was)

    # What the header and the actions say about what is shown.

    def _judge(self) -> None:
        editor = self.editor if self._views.currentWidget() is self.editor else None
        in_list = self._views.currentWidget() is self.list
        self._new.setVisible(in_list and bool(self._known.connections))
        self._save.setVisible(editor is not None)
        self._more.setVisible(editor is not None and bool(editor.saved_as))
        saved = editor is not None and bool(editor.saved_as)
        self._acts.allow(editing=editor is not None, saved=saved, in_list=in_list, chosen=bool(self.list.current))
        self.header.show_pill()
        if editor is None:
            return
        if not editor.is_saving:
            self._after_save = None
        self.header.title.setText(editor.saved_as or f"New {editor.kind.title}")
        self._save.setEnabled(not editor.is_saving and (editor.is_dirty or not editor.saved_as))
        restyle(self._save, kind="primary" if editor.is_dirty else "normal")
        if editor.test_state is not None and not editor.is_outdated:
            self._tests[editor.saved_as] = editor.test_state
        self.header.show_pill(*self._editor_words(editor))

    def _editor_words(self, editor: ConnectionEditor) -> tuple[str, Tone]:
        if editor.steps.is_running:
            return "Testing", "accent"
        if editor.is_dirty:
            return "Not saved", "amber"
        if editor.test_state is None:
            return ("", "quiet")
        return ("Changed since the test", "quiet") if editor.is_outdated else editor.test_state.words

    def _test_words(self, connection: Connection) -> tuple[str, Tone]:
        state = self._tests.get(connection.name)
        same = state is not None and state.kind == connection.kind and dict(state.settings) == dict(connection.settings)
        return state.words if state is not None and same else _UNTESTED

    # What can be done.

    def _save_now(self) -> None:
        if self.editor is not None:
            self.editor.save()
            self._judge()

    def _test_now(self) -> None:
        if self.editor is not None:
            self.editor.test()

    def _note_saved(self, before: str, name: str) -> None:
        if before and before != name and before in self._tests:
            self._tests[name] = self._tests.pop(before)
        elif not before and "" in self._tests:
            self._tests[name] = self._tests.pop("")
        self.context.navigator.say(f"“{name}” is saved.")
        then, self._after_save = self._after_save, None
        if then is not None:
            self._discard(then)
        self._refresh()

    def _duplicate_now(self) -> None:
        self._duplicate(self.editor.saved_as if self.editor is not None else self.list.current)

    def _duplicate(self, name: str) -> None:
        if self.editor is not None and self.editor.is_dirty:
            self._ask_unsaved(partial(self._duplicate, name))
            return
        connections = self.context.workspace.connections

        def show(made: Connection) -> None:
            self._leave_editor()
            self._refresh(lambda: self._arrive(made.name, "rename"))

        self.context.background.submit(self, lambda: connections.duplicate(name), show, self._tell)

    def _delete_now(self) -> None:
        name = self.editor.saved_as if self.editor is not None else self.list.current
        if name:
            self._ask_delete(name)

    def _ask_delete(self, name: str) -> None:
        workspace, go = self.context.workspace, self.context.navigator.go

        def ask(tasks: list[Task]) -> None:
            users = used_by(tasks).get(name, ())
            self._ask(still_used(self, name, users, go) if users else may_delete(self, name, partial(self._delete, name)))

        self.context.background.submit(self, workspace.tasks.all, ask, self._tell)

    def _delete(self, name: str) -> None:
        connections = self.context.workspace.connections

        def gone(_: None) -> None:
            self._tests.pop(name, None)
            self._leave_editor()
            self._show_view(self.list)
            self.context.navigator.say(f"“{name}” is deleted.")
            self._refresh()

        self.context.background.submit(self, lambda: connections.delete(name), gone, self._tell)

    def _tell(self, error: AppError) -> None:
        self._ask(Question(self, error.message, error.remedy, [Answer("Close")]))

    # Questions, menus and the way out.

    def _ask_unsaved(self, then: Callable[[], None]) -> None:
        name = self.editor.saved_as if self.editor is not None else ""
        self._ask(unsaved(self, name, partial(self._save_then, then), partial(self._discard, then)))

    def _discard(self, then: Callable[[], None]) -> None:
        self._leave_editor()
        self._show_view(self.list)
        self._show_list()
        then()

    def _save_then(self, then: Callable[[], None]) -> None:
        if self.editor is None:
            return
        # Only a save that succeeds goes on; a mistake is shown at its field instead.
        self._after_save = then
        self.editor.save()
        self._judge()

    def _go_on(self) -> None:
        if self.go_on is not None:
            self.go_on()

    def _go_to_dashboard(self) -> None:
        self.context.navigator.go("dashboard")

    def _ask(self, question: Question) -> None:
        if self.question is not None:
            self.question.close()
        self.question = question
        question.finished.connect(self._forget_question)
        question.open()

    def _forget_question(self) -> None:
        self.question = None

    def _open_more(self) -> None:
        menu = self._acts.menu([self._acts.duplicate, self._acts.delete])
        menu.popup(self._more.mapToGlobal(QPoint(0, self._more.height())))

    def _open_list_menu(self, name: str, place: QPoint) -> None:
        menu = self._acts.menu([])
        menu.addAction("Open").triggered.connect(partial(self._open_named, name))
        menu.addAction("Rename").triggered.connect(partial(self._arrive, name, "rename"))
        menu.addActions([self._acts.duplicate, self._acts.delete])
        menu.popup(self.list.list.viewport().mapToGlobal(place))


def _read(workspace: Workspace) -> _Known:
    return _Known(workspace.connections.all(), used_by(workspace.tasks.all()), workspace.settings.load().secret_store)
