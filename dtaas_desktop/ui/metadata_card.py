"""Where the metadata are: a SQLite file in the workspace or a PostgreSQL database, tried before it is used."""

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout

from dtaas_desktop.domain.errors import AppError
from dtaas_desktop.services.metadata_place import MetadataSettings, check_place, load_place, move_metadata
from dtaas_desktop.ui.check_steps import CheckSteps
from dtaas_desktop.ui.context import Context
from dtaas_desktop.ui.forms import Form
from dtaas_desktop.ui.kept_secrets import keep_entered
from dtaas_desktop.ui.question import Answer, Question
from dtaas_desktop.ui.widgets import Card, button, label, restyle


class MetadataCard(Card):
    """Nothing is changed before *Use it*, which copies everything; the place is used from the next start on."""

    def __init__(self, context: Context) -> None:
        super().__init__("Metadata")
        self._context = context
        self._place: MetadataSettings | None = None
        self._tested: dict[str, object] | None = None
        self.question: Question | None = None
        self.form = Form(MetadataSettings, context)
        self.test_button, self.use_button = button("Test"), button("Use it")
        self.steps = CheckSteps(context.theme, context.background, self.form)
        self.said = label("", "dim", wrap=True)
        self.body.setSpacing(12)
        self.body.addWidget(label("Tasks, connections and the history of runs. No rows of yours are in them.", "dim", wrap=True))
        self.body.addWidget(self.form)
        row = QHBoxLayout()
        row.setSpacing(10)
        row.addWidget(self.test_button)
        row.addWidget(self.use_button)
        row.addStretch(1)
        self.body.addLayout(row)
        self.body.addWidget(self.steps)
        self.body.addWidget(self.said)
        self.said.hide()
        self.form.changed.connect(self._edited)
        self.test_button.clicked.connect(self.test)
        self.use_button.clicked.connect(self.use)
        self.steps.ended.connect(self._end_test)
        self._say("")
        self._judge()

    def load(self) -> None:
        """Show the place in use."""
        folder = self._context.workspace.folder
        self._context.background.submit(self, lambda: load_place(folder), self._show_place, self._refuse)

    def stop(self) -> None:
        """Stop a test that is under way."""
        if self.steps.is_running:
            self.steps.clear()

    def test(self) -> None:
        """Try the place that the form describes; nothing is changed there."""
        if not self.form.focus_first_problem():
            self._say("")
            self._when_kept(self._run_test)

    def use(self) -> None:
        """Copy everything to the place, for the next start."""
        if not self.form.focus_first_problem():
            self._when_kept(self._move)

    def _show_place(self, place: MetadataSettings) -> None:
        self._place = place
        self.form.show_values(place.model_dump())
        self._judge()

    def _edited(self) -> None:
        if self.steps.is_running and self.form.values() != self._tested:
            self.steps.clear()
        self.steps.fade(self.form.values() != self._tested)
        self._say("")
        self._judge()

    def _judge(self) -> None:
        same = self._place is not None and not self.form.is_dirty
        self.use_button.setEnabled(self._place is not None and not same)
        self.test_button.setEnabled(self._place is not None)

    def _run_test(self) -> None:
        place, folder = MetadataSettings.model_validate(self.form.values()), self._context.workspace.folder
        self._tested = self.form.values()
        self.test_button.setText("Test again")
        self.steps.start(lambda: check_place(folder, place))

    def _end_test(self, well: bool) -> None:
        self._say("It can be used." if well and self.form.is_dirty else "")

    def _move(self) -> None:
        place, workspace = MetadataSettings.model_validate(self.form.values()), self._context.workspace
        self.use_button.setEnabled(False)
        self._say("Copying everything …")
        self._context.background.submit(self, lambda: move_metadata(workspace, place), partial(self._moved, place), self._refuse)

    def _moved(self, place: MetadataSettings, rows: int) -> None:
        self._place = place
        self.form.mark_clean()
        self._judge()
        text = f"{rows:,} rows were copied. The new place is used from the next start on; what changes until then stays in the old one."
        self._say(text)
        answers = [Answer("Quit now", self._quit, "primary"), Answer("Later")]
        self.question = Question(self.window(), "Start the application again", text, answers)
        self.question.open()

    def _quit(self) -> None:
        self.window().close()

    def _refuse(self, error: AppError) -> None:
        self._say(str(error), wrong=True)
        self._judge()

    def _when_kept(self, then: Callable[[], None]) -> None:
        entered, secrets = self.form.entered_secrets(), self._context.workspace.secrets
        if not entered:
            then()
            return

        def note(references: dict[str, str]) -> None:
            self.form.show_kept(references)
            then()

        self._context.background.submit(self, lambda: keep_entered(secrets, entered, "Metadata"), note, self._refuse)

    def _say(self, sentence: str, *, wrong: bool = False) -> None:
        self.said.setText(sentence)
        self.said.setVisible(bool(sentence))
        self.said.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        restyle(self.said, tone="red" if wrong else "")
