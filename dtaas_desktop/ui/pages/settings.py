"""The page of settings: what is changed here is saved at once, except for the place of the metadata, which is used on demand."""

from collections.abc import Mapping
from functools import partial

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QHBoxLayout, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from dtaas_desktop.domain.errors import AppError
from dtaas_desktop.services.keyring_store import KeyringState
from dtaas_desktop.services.settings import AppSettings
from dtaas_desktop.ui.context import Context
from dtaas_desktop.ui.forms import Form
from dtaas_desktop.ui.metadata_card import MetadataCard
from dtaas_desktop.ui.page import Page
from dtaas_desktop.ui.widgets import Card, button, label, restyle

_GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Appearance", ("theme",)),
    ("Runs", ("scheduler", "parallel_runs", "parallel_parts", "memory_mb")),
    ("Folders", ("export_folder",)),
    ("Secrets", ("secret_store",)),
    ("History", ("history_days",)),
)
_WIDEST = 780


class SettingsPage(Page):
    """A card for each group, in one column."""

    def __init__(self, context: Context) -> None:
        area = QScrollArea()
        super().__init__(context, "Settings", area)
        self._area = area
        self._settings = AppSettings()
        self._saving = False
        self._unsaved: dict[str, object] = {}
        self._keyring_state: KeyringState | None = None
        self.forms = {heading: Form(AppSettings, context, only=fields) for heading, fields in _GROUPS}
        self.metadata = MetadataCard(context)
        self.keyring = label("", "dim", wrap=True)
        self.prune_button = button("Forget older runs now")
        self._lay_out()
        for form in self.forms.values():
            form.changed.connect(partial(self._edited, form))
        self.prune_button.clicked.connect(self._prune)
        context.theme.changed.connect(self._follow_theme)
        self.body.show_loading("Reading the settings …")

    def open(self, item: str = "", act: str = "") -> None:
        self.refresh()

    def refresh(self) -> None:
        workspace = self.context.workspace
        self.context.background.submit(self, workspace.settings.load, self._show, self._show_error)
        self.metadata.load()
        self.keyring.setText("Asking the keyring of this system …")
        self.context.background.submit(self, workspace.secrets.keyring_state, self._show_keyring, self._show_keyring_error)

    def left(self) -> None:
        self.metadata.stop()

    def _show(self, settings: AppSettings) -> None:
        if self._saving or self._unsaved:
            return  # what was just edited is newer
        self._settings = settings
        values = settings.model_dump()
        for form in self.forms.values():
            if not form.problems():
                form.beside(values)
                form.show_values(values)
        self._judge_keyring()
        if not self.body.is_full:
            self.body.show_full()
            self.forms["Appearance"].focus_first()

    def _show_error(self, error: AppError) -> None:
        self.body.show_error(error, self.refresh)

    def _edited(self, form: Form) -> None:
        if form.problems():
            self.header.show_pill("Not saved", "amber")
            return
        values = form.values()
        self._unsaved |= values
        self._judge_keyring()
        if form is self.forms["Appearance"]:
            # At once: one sees what one chooses.
            self.context.theme.choose(self._settings.model_copy(update=values).theme)
        self._save()

    def _save(self) -> None:
        if self._saving or not self._unsaved:
            return
        self._saving = True
        values, self._unsaved = self._unsaved, {}
        settings = self.context.workspace.settings

        def save() -> AppSettings:
            changed = AppSettings.model_validate(settings.load().model_dump() | values)
            settings.save(changed)
            return changed

        self.context.background.submit(self, save, self._note_saved, partial(self._note_failure, values))

    def _note_saved(self, settings: AppSettings) -> None:
        self._saving = False
        self._settings = settings
        wrong = any(form.problems() for form in self.forms.values())
        self.header.show_pill("Not saved" if wrong else "Saved", "amber" if wrong else "green")
        self._save()

    def _note_failure(self, values: Mapping[str, object], error: AppError) -> None:
        self._saving = False
        self._unsaved = dict(values) | self._unsaved
        self.header.show_pill("Not saved", "red")
        self.context.navigator.say(str(error))

    def _follow_theme(self) -> None:
        form = self.forms["Appearance"]
        if form.values() != {"theme": self.context.theme.choice}:
            form.show_values({"theme": self.context.theme.choice})

    def _show_keyring(self, state: KeyringState) -> None:
        self._keyring_state = state
        self._judge_keyring()

    def _judge_keyring(self) -> None:
        state, wanted = self._keyring_state, self.forms["Secrets"].values()["secret_store"] == "keyring"
        if state is None:
            return
        if state.usable:
            self.keyring.setText(f"{state.name} can be used.")
        else:
            self.keyring.setText(f"{state.reason} Keep secrets in this workspace or in private files instead.")
        restyle(self.keyring, tone="amber" if wanted and not state.usable else "")
        self.keyring.setVisible(wanted or state.usable)

    def _show_keyring_error(self, error: AppError) -> None:
        self.keyring.setText(str(error))
        restyle(self.keyring, tone="amber")

    def _prune(self) -> None:
        form = self.forms["History"]
        if form.focus_first_problem():
            return
        days = AppSettings.model_validate(form.values()).history_days
        history = self.context.workspace.history
        self.prune_button.setEnabled(False)

        def done(count: int) -> None:
            self.prune_button.setEnabled(True)
            runs = "No run is" if count == 0 else "One run was" if count == 1 else f"{count:,} runs were"
            said = f"{runs} older than {days:,} days." if count == 0 else f"{runs} forgotten."
            self.context.navigator.say(said)

        def failed(error: AppError) -> None:
            self.prune_button.setEnabled(True)
            self.context.navigator.say(str(error))

        self.context.background.submit(self, lambda: history.prune(days), done, failed)

    def _open_folder(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(self.context.workspace.folder)))

    def _lay_out(self) -> None:
        self._area.setWidgetResizable(True)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        inside = QWidget()
        outer = QHBoxLayout(inside)
        outer.setContentsMargins(20, 18, 20, 20)
        middle = QWidget()
        middle.setMaximumWidth(_WIDEST)
        middle.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        outer.addWidget(middle, 100)
        outer.addStretch(1)
        column = QVBoxLayout(middle)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(14)
        for heading, form in self.forms.items():
            card = Card(heading)
            card.body.setSpacing(12)
            card.body.addWidget(form)
            if heading == "Secrets":
                card.body.addWidget(self.keyring)
            elif heading == "History":
                card.body.addWidget(self.prune_button, 0, Qt.AlignmentFlag.AlignLeft)
            column.addWidget(card)
        column.addWidget(self.metadata)
        column.addWidget(self._folder_card())
        column.addStretch(1)
        inside.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Ignored)  # as high as its texts need at its width
        self._area.setWidget(inside)

    def _folder_card(self) -> Card:
        card = Card("Workspace folder")
        row = QHBoxLayout()
        row.setSpacing(10)
        place = label(str(self.context.workspace.folder), "mono", wrap=True)
        place.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.folder_button = button("Open folder")
        self.folder_button.clicked.connect(self._open_folder)
        row.addWidget(place, 1)
        row.addWidget(self.folder_button)
        card.body.addWidget(label("Everything the application remembers is in it.", "dim", wrap=True))
        card.body.addLayout(row)
        return card
