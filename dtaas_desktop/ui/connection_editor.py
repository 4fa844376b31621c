"""One connection: its form, its test, and what is in it."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from dtaas_desktop.domain.connection import CONNECTION_KINDS, Connection
from dtaas_desktop.domain.errors import AppError
from dtaas_desktop.domain.secret_ref import SecretStore
from dtaas_desktop.services import browse
from dtaas_desktop.services.connections import check_settings
from dtaas_desktop.ui.check_steps import CheckSteps
from dtaas_desktop.ui.connection_means import ConnectionMeans
from dtaas_desktop.ui.context import Context
from dtaas_desktop.ui.form_inputs import TextInput
from dtaas_desktop.ui.form_model import FieldSpec
from dtaas_desktop.ui.form_row import FormRow
from dtaas_desktop.ui.forms import Form
from dtaas_desktop.ui.kept_secrets import keep_entered
from dtaas_desktop.ui.tables_card import TablesCard
from dtaas_desktop.ui.targets_card import TargetsCard
from dtaas_desktop.ui.tokens import Tone
from dtaas_desktop.ui.widgets import Card, IconButton, button, label

LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class TestState:
    """How the last test of a connection ended, and with which settings."""

    __test__ = False  # not a test of pytest

    well: bool
    kind: str
    settings: Mapping[str, object]

    @property
    def words(self) -> tuple[str, Tone]:
        return ("Test passed", "green") if self.well else ("Test failed", "red")


class ConnectionEditor(QScrollArea):
    """Edits one connection, saved or new. `changed`: an edit, a test's end or a save; `saved` carries the name before and the name now."""

    changed = Signal()
    saved = Signal(str, str)

    def __init__(
        self, context: Context, connection: Connection, *, new: bool, others: Collection[str], store: SecretStore = "keyring"
    ) -> None:
        super().__init__()
        self._context = context
        self.kind = CONNECTION_KINDS[connection.kind]
        self.saved_as = "" if new else connection.name
        self.test_state: TestState | None = None
        self.is_saving = False
        self._others = {name.casefold() for name in others}
        self._kept: dict[str, str] = {}  # typed secrets that are kept and not saved yet, by field
        self.name = FormRow(FieldSpec("name", "text", "Name"), TextInput())
        self.form = Form(self.kind.settings, context, secret_store=store)
        self.means = ConnectionMeans(context, connection.kind)
        self.steps = CheckSteps(context.theme, context.background, self.form)
        self.test_button = button("Test")
        self.tables = TablesCard(context) if "source" in self.kind.roles else None
        self.targets = TargetsCard(context) if "destination" in self.kind.roles else None
        self._test_note = label("", "dim", wrap=True)
        self._refused = label("", "body", wrap=True)
        self._refused.setProperty("tone", "red")
        self._refused.hide()
        self._lay_out()
        self.name.input.show_value(connection.name)
        self._name_given = connection.name
        self.form.show_values(connection.settings)
        self.means.show_settings(self.form.values())
        self.name.edited.connect(self._edited)
        self.form.changed.connect(self._edited)
        self.test_button.clicked.connect(self.test)
        self.steps.ended.connect(self._tested)
        if self.tables is not None:
            self.tables.database_chosen.connect(self._go_to_database)
        self._say_untested()
        if self.targets is not None:
            if new:
                self.targets.show_nothing("What tasks write here is listed here with its rows.")
            else:
                self.targets.show_connection(connection.name)

    @property
    def connection(self) -> Connection:
        """What the fields hold now."""
        return Connection(self._typed_name(), self.kind.name, self.form.values())

    @property
    def is_dirty(self) -> bool:
        return self.form.is_dirty or self._typed_name() != self._name_given

    @property
    def is_outdated(self) -> bool:
        """Whether something was changed since the test."""
        return self.test_state is not None and self.test_state.settings != self.form.values()

    def test(self) -> None:
        """Test what the fields hold; mistakes in them come first."""
        if self._has_mistakes():
            return
        self.test_state = None
        self._test_note.setText("")
        self._test_note.hide()
        if self.tables is not None:
            self.tables.show_waiting()
        self._when_kept(self._run_test)

    def save(self) -> None:
        """Save what the fields hold; mistakes in them come first."""
        if self.is_saving:
            return
        self.name.touched = True
        self._show_name_problem()
        if self.name.problem:
            self.form.reveal()
            self.name.input.focus.setFocus()
            return
        if self._has_mistakes():
            return
        self.is_saving = True
        self._refused.hide()
        self._when_kept(self._write)

    def stop(self) -> None:
        """It is left: stop testing, and forget secrets that nothing names."""
        self.steps.clear()
        unsaved, self._kept = list(self._kept.values()), {}
        secrets = self._context.workspace.secrets

        def forget() -> None:
            for reference in unsaved:
                secrets.forget(reference)

        if unsaved:  # the editor may be gone before it is done
            pool = self._context.background
            pool.submit(pool, forget, lambda _: None, lambda _: None)

    def focus_name(self) -> None:
        """Put the keyboard into the name, all of it selected."""
        self.name.input.focus.setFocus()
        if isinstance(self.name.input, TextInput):
            self.name.input.selectAll()

    def _has_mistakes(self) -> bool:
        if not self.form.focus_first_problem():
            return False
        self.ensureWidgetVisible(self.focusWidget())
        if not self.form.general.isHidden():
            self.ensureWidgetVisible(self.form.general)
        return True

    def _go_to_database(self, name: str) -> None:
        """Another database of the server is another connection: it is tried, and saved only when the user says so."""
        if "database" in self.form.field_names():
            row = self.form.field("database")
            row.input.show_value(name)
            row.input.changed.emit()
            self.test()

    def _run_test(self) -> None:
        tested, workspace = self.connection, self._context.workspace
        self._tested_settings = self.form.values()
        self.test_button.setText("Test again")
        self.steps.start(lambda: browse.check(tested, workspace=workspace.id, secret=workspace.secrets.resolve))
        self.changed.emit()

    def _tested(self, well: bool) -> None:
        self.test_state = TestState(well, self.kind.name, self._tested_settings)
        self._judge_test()
        if self.tables is not None:
            tested = Connection(self._typed_name(), self.kind.name, self._tested_settings)
            if well:
                self.tables.show_connection(tested)
            else:
                self.tables.show_waiting()
        self.changed.emit()

    def _edited(self) -> None:
        self._refused.hide()
        self._show_name_problem()
        self.means.show_settings(self.form.values())
        if self.steps.is_running and self.form.values() != self._tested_settings:
            self.steps.clear()
            self._say_untested("The test was stopped, because the settings were changed.")
        self._judge_test()
        self.changed.emit()

    def _judge_test(self) -> None:
        """A result is only shown as that of the settings it was made with."""
        if self.test_state is None:
            return
        self.steps.fade(self.is_outdated)
        self._test_note.setText("The settings were changed after this test. Test again to see whether they work.")
        self._test_note.setVisible(self.is_outdated)

    def _say_untested(self, sentence: str = "See whether these settings work, before or after saving them.") -> None:
        self._test_note.setText(sentence)
        self._test_note.show()

    def _show_name_problem(self) -> None:
        name = self._typed_name()
        taken = name.casefold() in self._others and name.casefold() != self.saved_as.casefold()
        problem = "Give it a name." if not name else f"There is a connection “{name}” already." if taken else ""
        if len(name) > LONGEST_NAME:
            problem = f"Enter at most {LONGEST_NAME} characters."
        self.name.show_problem(problem if self.name.touched else "")

    def _typed_name(self) -> str:
        return str(self.name.input.value() or "").strip()

    def _open_help(self) -> None:
        self._context.navigator.help(self.kind.topic)

    def _when_kept(self, then: Callable[[], None]) -> None:
        """Have typed secrets kept first: what tests and saves is given references only."""
        entered, owner = self.form.entered_secrets(), self._typed_name() or self.kind.title
        if not entered:
            then()
            return
        secrets = self._context.workspace.secrets

        def note(references: dict[str, str]) -> None:
            self._kept |= references
            self.form.show_kept(references)
            then()

        self._context.background.submit(self, lambda: keep_entered(secrets, entered, owner), note, self._refuse)

    def _write(self) -> None:
        saved, before = self.connection, self.saved_as
        connections = self._context.workspace.connections

        def write() -> None:
            check_settings(saved)  # before anything is renamed
            if before and before != saved.name:
                connections.rename(before, saved.name)
            connections.save(saved)

        def done(_: None) -> None:
            self.is_saving = False
            self._kept = {}
            self.saved_as = self._name_given = saved.name
            self.form.mark_clean()
            self.saved.emit(before, saved.name)
            self.changed.emit()

        self._context.background.submit(self, write, done, self._refuse)

    def _refuse(self, error: AppError) -> None:
        self.is_saving = False
        self._refused.setText(str(error))
        self._refused.show()
        self.changed.emit()

    def _lay_out(self) -> None:
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        inside = QWidget()
        row = QHBoxLayout(inside)
        row.setContentsMargins(20, 18, 20, 20)
        row.setSpacing(14)
        settings = Card(self.kind.title)
        settings.body.setSpacing(14)
        ask = IconButton("help", f"Help on {self.kind.title}", self._context.theme)
        ask.clicked.connect(self._open_help)
        settings.top.addWidget(ask)
        for one in (self.name, self.form, self.means, self._refused):
            settings.body.addWidget(one)
        settings.body.addStretch(1)
        right = QVBoxLayout()
        right.setSpacing(14)
        test = Card("Test")
        test.top.addWidget(self.test_button)
        test.body.addWidget(self._test_note)
        test.body.addWidget(self.steps)
        right.addWidget(test)
        for card in (settings, test, self.tables, self.targets):
            if card is not None:
                card.top.addStrut(32)  # so that headings stand on one line, with a button beside them or without
        for card in (self.tables, self.targets):
            if card is not None:
                card.setMinimumHeight(280)
                right.addWidget(card, 1)
        row.addWidget(settings, 20)
        row.addLayout(right, 26)
        settings.setMinimumWidth(300)
        inside.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Ignored)  # as high as its texts need at its width
        self.setWidget(inside)
