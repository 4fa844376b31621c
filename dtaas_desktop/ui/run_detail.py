"""The chosen table run: why it failed and what to do, or where its rows are and a query to try."""

from collections.abc import Mapping
from pathlib import Path

from PySide6.QtCore import QEvent, QObject, Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QGuiApplication, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QScrollArea, QWidget

from dtaas_desktop.domain.harm import Harm
from dtaas_desktop.services.runs_view import RunRecord, TableRunRecord
from dtaas_desktop.ui.context import Context
from dtaas_desktop.ui.flow import Flow
from dtaas_desktop.ui.run_words import cost_lines, failure_of, failure_of_table, table_report, table_state, up_to
from dtaas_desktop.ui.section import titled
from dtaas_desktop.ui.theme import mono_font
from dtaas_desktop.ui.widgets import Card, button, label, restyle
from dtaas_desktop.ui.words import NOTHING, breakable, duration, exact, size


class RunDetail(Card):
    """`retry` and `reload` carry the source table, `edit` nothing: what the buttons ask of the page. `toned`: red, amber or neither."""

    edit = Signal()
    retry = Signal(str)
    reload = Signal(str)
    toned = Signal(str)

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context = context
        self._run: RunRecord | None = None
        self._table: TableRunRecord | None = None
        self.heading_line, self.message = label("", "heading", wrap=True), label("", "body", wrap=True)
        self.remedy, self.facts = label("", "dim", wrap=True), label("", "dim", wrap=True)
        self.arrives, self.cost = label("", "dim", wrap=True), label("", "dim", wrap=True)
        for one in (self.heading_line, self.message, self.remedy, self.facts, self.cost):
            self.body.addWidget(one)
        self.edit_task, self.retry_table = button("Edit task"), button("Retry this table")
        self.reload_table, self.copy_report = button("Reload this table"), button("Copy report", "quiet")
        self._buttons = Flow((self.edit_task, self.retry_table, self.reload_table, self.copy_report), gap=8)
        self.body.addWidget(self._buttons)
        self.location, self.query = _shown_text(), _shown_text()
        self.open_place, self.copy_query = button("Open"), button("Copy")
        self.open_place.setAccessibleName("Open the destination")
        self.copy_query.setAccessibleName("Copy the query")
        self._place = _beside("Where it lies", self.location, self.open_place)
        self._try = _beside("A query to try", self.query, self.copy_query)
        self.body.addWidget(self._place)
        self.body.addWidget(self._try)
        self.body.addWidget(self.arrives)
        for one in (self.arrives, self.cost):
            one.hide()
        self.edit_task.clicked.connect(self.edit)
        self.retry_table.clicked.connect(self._retry)
        self.reload_table.clicked.connect(self._reload)
        self.copy_report.clicked.connect(self._copy_report)
        self.open_place.clicked.connect(self._open)
        self.copy_query.clicked.connect(self._copy_query)

    def show_table(self, run: RunRecord, table: TableRunRecord | None, *, why_not: str) -> None:
        """Show a table run, or the run itself where there is none. `why_not`: why nothing of it can be run again now."""
        if (run, table) != (self._run, self._table):
            self._run, self._table = run, table
            self._show_texts(run, table)
        for made in (self.retry_table, self.reload_table):
            made.setEnabled(not why_not)
            made.setToolTip(why_not)
            made.setAccessibleDescription(why_not)

    def show_costs(self, costs: Mapping[str, Harm]) -> None:
        """What reading cost the run's sources, by connection."""
        self.cost.setText("\n".join(cost_lines(costs)))
        self.cost.setVisible(bool(costs))

    def _show_texts(self, run: RunRecord, table: TableRunRecord | None) -> None:
        message, remedy = failure_of(run) if table is None else failure_of_table(table)
        failed = bool(message)
        tone = ("red" if table_state_is_bad(run, table) else "amber") if failed else ""
        restyle(self, tone=tone)
        self.toned.emit(tone)
        self.heading_line.setText(_heading(run, table))
        self.message.setText(message)
        self.message.setVisible(failed)
        self.remedy.setText(remedy)
        self.remedy.setVisible(bool(remedy))
        self.facts.setText("" if table is None else _facts(table))
        self.facts.setVisible(table is not None and (not failed or table.counts.read > 0))
        self.arrives.setText("" if table is None else table.fidelity)
        self.arrives.setVisible(bool(self.arrives.text()))
        self._buttons.setVisible(failed)
        for made in (self.retry_table, self.reload_table):
            made.setVisible(table is not None)
        self._buttons.arrange()
        self._place.setVisible(table is not None and bool(table.location))
        self._try.setVisible(table is not None and bool(table.query))
        if table is not None:
            for field, text in ((self.location, table.location), (self.query, table.query)):
                field.setText(text)
                field.setToolTip(text)
                field.setCursorPosition(0)
            reason = (
                "" if local_place(table.location) is not None else "It is not on this machine any more, or not a folder or file."
            )
            self.open_place.setEnabled(not reason)
            self.open_place.setToolTip(reason)
            self.open_place.setAccessibleDescription(reason)

    def _retry(self) -> None:
        if self._table is not None:
            self.retry.emit(self._table.source_table)

    def _reload(self) -> None:
        if self._table is not None:
            self.reload.emit(self._table.source_table)

    def _copy_report(self) -> None:
        if self._run is not None:
            text = table_report(self._run, self._table) if self._table else f"{self._run.message}\n{self._run.remedy}\n"
            QGuiApplication.clipboard().setText(text)
            self._context.navigator.say("The report is copied")

    def _copy_query(self) -> None:
        QGuiApplication.clipboard().setText(self.query.text())
        self._context.navigator.say("The query is copied")

    def _open(self) -> None:
        place = local_place(self.location.text())
        if place is not None:
            open_folder(place)


class DetailFrame(QScrollArea):
    """The border around a detail: as high as its texts and buttons need, and scrolling where it may not be so high."""

    def __init__(self, detail: RunDetail) -> None:
        super().__init__()
        self._detail, self._most = detail, 400
        self.setProperty("role", "card")
        restyle(detail, role="inside")
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setWidget(detail)
        detail.toned.connect(self._show_tone)

    def show_at_most(self, pixels: int) -> None:
        self._most = pixels
        self._fit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802  Qt's name
        if watched is self.widget() and event.type() == QEvent.Type.LayoutRequest:
            self._fit()
        return super().eventFilter(watched, event)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        wanted = self._detail.body.totalHeightForWidth(self.width() - 2) + 2
        policy = Qt.ScrollBarPolicy
        self.setVerticalScrollBarPolicy(policy.ScrollBarAsNeeded if wanted > self._most else policy.ScrollBarAlwaysOff)
        self.setFixedHeight(min(wanted, self._most))

    def _show_tone(self, tone: str) -> None:
        restyle(self, tone=tone)


def local_place(location: str) -> Path | None:
    """The folder to open for a target's location; None if it is no place on this machine."""
    if not location or "://" in location:
        return None
    place = Path(location.partition("*")[0])
    if not place.is_absolute():
        return None
    return next((one for one in (place, place.parent) if one.is_dir()), None)


def open_folder(place: Path) -> None:
    """Show a folder in the system's file manager."""
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(place)))


def table_state_is_bad(run: RunRecord, table: TableRunRecord | None) -> bool:
    """Whether it failed, rather than being stopped."""
    return table.state == "failed" if table is not None else run.state in ("failed", "partly failed")


def _heading(run: RunRecord, table: TableRunRecord | None) -> str:
    if table is None:
        if not run.message:
            return "Nothing was moved yet"
        return "The run could not go on" if run.rows_read else "The run could not begin"
    word = table_state(table)[0].lower()
    return breakable(f"{table.source_table} → {table.target}: {word}")


def _facts(table: TableRunRecord) -> str:
    counts = table.counts
    lines = [
        f"{exact(counts.read)} read · {exact(counts.filtered)} filtered · {exact(counts.rejected)} rejected · {exact(counts.written)} written"
    ]
    if counts.nulled:
        lines.append(f"{exact(counts.nulled)} cells did not fit and are NULL")
    pieces = [f"{table.files:,} file{'s' if table.files != 1 else ''}, {size(table.bytes)}"] if table.files else []
    pieces += [f"revision {table.revision}"] if table.revision is not None else []
    pieces += [f"in {duration(table.seconds)}"] if table.seconds is not None else []
    pieces += [f"up to {up_to(table)}"] if up_to(table) != NOTHING else []
    if pieces:
        lines.append(" · ".join(pieces))
    return "\n".join(lines)


def _shown_text() -> QLineEdit:
    made = QLineEdit()
    made.setReadOnly(True)
    made.setFont(mono_font())
    return made


def _beside(title: str, field: QLineEdit, made: QWidget) -> QWidget:
    both = QWidget()
    row = QHBoxLayout(both)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(8)
    row.addWidget(field, 1)
    row.addWidget(made)
    whole = titled(title, both)
    field.setAccessibleName(title)
    return whole
