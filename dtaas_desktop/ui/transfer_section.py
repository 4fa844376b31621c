"""What a task reads: everything, changes, or both. Changes need their capture at the source, which can be switched on here."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from PySide6.QtWidgets import QHBoxLayout

from dtaas_desktop.domain.connection import Connection
from dtaas_desktop.domain.errors import AppError
from dtaas_desktop.domain.table import TableRef
from dtaas_desktop.services.source_tables import CaptureOffer, capture_offer, enable_capture
from dtaas_desktop.ui.capture_dialog import CaptureDialog
from dtaas_desktop.ui.context import Context
from dtaas_desktop.ui.radio_choice import RadioChoice
from dtaas_desktop.ui.section import Section
from dtaas_desktop.ui.task_draft import TRANSFERS, Draft
from dtaas_desktop.ui.widgets import button, label, restyle

_MOST_TABLES = 500  # whose capture is looked at while the form is open


class TransferSection(Section):
    def __init__(self, context: Context) -> None:
        super().__init__("What is read")
        self._context = context
        self._connection: Connection | None = None
        self._tables: tuple[TableRef, ...] = ()
        self._offer: CaptureOffer | None = None
        self._asked = 0
        self._grows = False  # whether the source names a column that grows
        self.transfer = RadioChoice("What is read", {str(value): words for value, words in TRANSFERS.items()})
        self._said = label("", "body", wrap=True)
        restyle(self._said, size="small")
        self.capture = button("Capture changes …")
        row = QHBoxLayout()
        row.addWidget(self.capture)
        row.addStretch(1)
        self.body.setSpacing(4)
        self.body.addWidget(self.transfer)
        self.body.addWidget(self._said)
        self.body.addLayout(row)
        self.end()
        self.transfer.changed.connect(self._choose)
        self.capture.clicked.connect(self._open_dialog)
        self._show_offer()

    def show_draft(self, draft: Draft) -> None:
        self._grows = bool(draft.source.get("follow_column"))
        self.transfer.show_value(draft.options.transfer)

    def applied(self, draft: Draft) -> Draft:
        chosen = next(transfer for transfer in TRANSFERS if transfer == self.transfer.value)
        return replace(draft, options=replace(draft.options, transfer=chosen))

    @property
    def said(self) -> str:
        """How it stands with the capture, in words; nothing if all is well or it does not matter."""
        return self._said.text()

    def show_source(self, connection: Connection | None, tables: Sequence[TableRef], captures: bool | None) -> None:
        """What is read from where; `captures`: whether that system can capture changes (None: unknown)."""
        name = "" if connection is None else connection.name
        reason = f"“{name}” cannot capture changes." if captures is False else ""
        refused = {"full load, then changes": reason, "changes": reason} if reason else {}
        if not self._grows:
            refused["incremental"] = "The source names no column that grows (follow_column in the task's file)."
        self.transfer.allow(refused)
        known = tuple(tables)[:_MOST_TABLES]
        if (connection, known) != (self._connection, self._tables):
            self._connection, self._tables = connection, known
            self._offer = None
            self._asked += 1
            self._look(captures)
        self._show_offer()

    def _choose(self) -> None:
        self._look(True)
        self._show_offer()
        self.tell()

    def _look(self, captures: bool | None) -> None:
        if (
            self.transfer.value in ("full load", "incremental")
            or self._connection is None
            or not self._tables
            or captures is not True
        ):
            return
        job = partial(capture_offer, self._connection, self._tables, secret=self._context.workspace.secrets.resolve)
        self._context.background.submit(self, job, partial(self._take, self._asked), partial(self._fail, self._asked))

    def _take(self, number: int, offer: CaptureOffer) -> None:
        if number == self._asked:
            self._offer = offer
            self._show_offer()

    def _fail(self, number: int, error: AppError) -> None:
        if number == self._asked:
            self._offer = None
            self._say(str(error), "amber")

    def _show_offer(self) -> None:
        offer = self._offer
        changes = self.transfer.value not in ("", "full load", "incremental")
        self.capture.setVisible(changes and offer is not None and bool(offer.missing))
        if not changes or offer is None:
            self._say("", "")
        elif offer.impossible:
            state = offer.states[offer.impossible[0]]
            self._say(f"{offer.impossible[0]}: {state.reason} {state.remedy}".strip(), "amber")
        elif offer.missing:
            count, all_of_them = len(offer.missing), len(offer.states)
            which = "The table is" if all_of_them == 1 else f"{count:,} of {all_of_them:,} tables are"
            self._say(f"{which} not captured yet: nothing at the source keeps their changes.", "amber")
        else:
            self._say("Their changes are captured.", "green")

    def _say(self, text: str, tone: str) -> None:
        self._said.setText(text)
        self._said.setVisible(bool(text))
        restyle(self._said, tone=tone)

    def _open_dialog(self) -> None:
        if self._offer is not None and self._connection is not None:
            dialog = CaptureDialog(self.window(), self._connection.name, self._offer)
            dialog.confirmed.connect(self._enable)
            dialog.open()

    def _enable(self) -> None:
        offer, connection = self._offer, self._connection
        if offer is None or connection is None:
            return
        self.capture.setEnabled(False)
        self._say("Switching the capture on …", "")
        self._context.background.submit(
            self,
            partial(enable_capture, connection, offer.missing, secret=self._context.workspace.secrets.resolve),
            self._enabled,
            partial(self._not_enabled, self._asked),
        )

    def _enabled(self, _: None) -> None:
        self.capture.setEnabled(True)
        self._context.navigator.say("Changes are captured from now on")
        self._look(True)

    def _not_enabled(self, number: int, error: AppError) -> None:
        self.capture.setEnabled(True)
        if number == self._asked:
            self._say(str(error), "red")
