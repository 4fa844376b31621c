"""What a task reads: everything, changes, or both. Changes need their capture at the source, which can be switched on here, or a
column that tells what is new.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from PySide6.QtWidgets import QHBoxLayout

from dtaas_desktop.domain.changes import WriteMode
from dtaas_desktop.domain.connection import Connection
from dtaas_desktop.domain.errors import AppError
from dtaas_desktop.domain.problems import Problem
from dtaas_desktop.domain.table import TableRef
from dtaas_desktop.services.source_tables import (
    CaptureOffer,
    GrowingOffer,
    SourceTables,
    capture_offer,
    enable_capture,
    growing_offer,
)
from dtaas_desktop.ui.capture_dialog import CaptureDialog
from dtaas_desktop.ui.context import Context
from dtaas_desktop.ui.follow_column import FollowColumn
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
        self._is_line = True
        self._refusals: dict[str, str] = {}
        self._follows: bool | None = None  # whether the source can find new rows by a column
        self.follow = FollowColumn()
        self.transfer = RadioChoice("What is read", {str(value): words for value, words in TRANSFERS.items()})
        self._said = label("", "body", wrap=True)
        restyle(self._said, size="small")
        self.capture = button("Capture changes …")
        row = QHBoxLayout()
        row.addWidget(self.capture)
        row.addStretch(1)
        self.body.setSpacing(4)
        self.body.addWidget(self.transfer)
        self.body.addWidget(self.follow)
        self.body.addWidget(self._said)
        self.body.addLayout(row)
        self.end()
        self.transfer.changed.connect(self._choose)
        self.follow.changed.connect(self.tell)
        self.capture.clicked.connect(self._open_dialog)
        self._show_offer()

    def show_draft(self, draft: Draft) -> None:
        self.transfer.show_value(draft.options.transfer)
        self.follow.show_values(str(draft.source.get("follow_column", "")), draft.source.get("look_back", 0))
        self._is_line = draft.is_line
        self._show_offer()

    def applied(self, draft: Draft) -> Draft:
        chosen = next(transfer for transfer in TRANSFERS if transfer == self.transfer.value)
        draft = replace(draft, options=replace(draft.options, transfer=chosen))
        if not draft.is_line or not self.is_followed:
            return draft
        asked = self.follow.following
        look_back = 0.0 if asked.measure == "version" else asked.look_back_value or 0.0
        settings = dict(draft.source) | {"follow_column": asked.column}
        if look_back or "look_back" in settings:
            settings["look_back"] = look_back
        return replace(draft, source=settings)

    @property
    def is_followed(self) -> bool:
        """Whether new rows are to be found by a column."""
        return self.transfer.value == "incremental"

    @property
    def refused(self) -> Problem | None:
        """Why the source cannot be read so; None if it can, or nobody knows."""
        reason = self._refusals.get(self.transfer.value, "") if self._is_line else ""
        return Problem("error", reason, remedy="Choose another way to read it, or another source.") if reason else None

    def reveal(self) -> bool:
        """Show every mistake in the column and the look-back; whether there is one."""
        return self._is_line and self.is_followed and self.follow.reveal()

    @property
    def said(self) -> str:
        """How it stands with the capture, in words; nothing if all is well or it does not matter."""
        return self._said.text()

    def show_source(self, connection: Connection | None, tables: Sequence[TableRef], found: SourceTables | None) -> None:
        """What is read from where; `found`: what that system has and can (None: unknown)."""
        name = "" if connection is None else connection.name
        captures, self._follows = (None, None) if found is None else (found.captures, found.follows)
        reason = f"“{name}” cannot capture changes." if captures is False else ""
        self._refusals = {"full load, then changes": reason, "changes": reason} if reason else {}
        if self._follows is False:
            self._refusals["incremental"] = f"“{name}” cannot find new rows by a column."
        self.transfer.allow(self._refusals)
        offered = [str(transfer) for transfer in TRANSFERS if transfer != "incremental" or self._follows or self.is_followed]
        self.transfer.offer(tuple(offered))
        known = tuple(tables)[:_MOST_TABLES]
        if (connection, known) != (self._connection, self._tables):
            self._connection, self._tables = connection, known
            self._offer = None
            self._asked += 1
            self.follow.show_offer(None)
            self._look(captures)
        self._show_offer()

    def show_write_mode(self, mode: WriteMode) -> None:
        """How the destination is written decides what may be looked back at."""
        self.follow.show_write_mode(mode)

    def _choose(self) -> None:
        self._look(True)
        self._show_offer()
        self.tell()

    def _look(self, captures: bool | None) -> None:
        connection, tables, number = self._connection, self._tables, self._asked
        if self.transfer.value in ("", "full load") or connection is None or not tables:
            return
        secret = self._context.workspace.secrets.resolve
        submit = self._context.background.submit
        if self.is_followed:
            if self._follows:
                job = partial(growing_offer, connection, tables, secret=secret)
                submit(self, job, partial(self._take_growing, number), partial(self._fail, number))
        elif captures is True:
            submit(
                self,
                partial(capture_offer, connection, tables, secret=secret),
                partial(self._take, number),
                partial(self._fail, number),
            )

    def _take_growing(self, number: int, offer: GrowingOffer) -> None:
        if number == self._asked:
            self.follow.show_offer(offer)

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
        self.follow.setVisible(self._is_line and self.is_followed)
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
