"""The log of a run: read page by page, coloured by level, at its end unless somebody scrolls."""

from functools import partial

from PySide6.QtCore import QTimer
from PySide6.QtGui import QColor, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QPlainTextEdit

from dtaas_desktop.domain.errors import AppError
from dtaas_desktop.services.runs_view import LogLine
from dtaas_desktop.ui.context import Context
from dtaas_desktop.ui.form_inputs import ChoiceInput
from dtaas_desktop.ui.theme import mono_font
from dtaas_desktop.ui.tokens import Tone
from dtaas_desktop.ui.widgets import Card, label, restyle
from dtaas_desktop.ui.words import clock

PAGE = 500  # lines that are read at first, and again for each look at earlier ones
_MOST_AT_ONCE = 20_000  # earlier lines in one look
_SLICE = 2_000  # lines that are put in before the window gets its turn
_SEARCH_MILLISECONDS = 250
_LEVELS: tuple[tuple[tuple[str, ...], str], ...] = (
    ((), "All lines"),
    (("warning", "error"), "Warnings, errors"),
    (("error",), "Errors"),
)
_TONES: dict[str, Tone] = {"warning": "amber", "error": "red"}


class LogCard(Card):
    """Shows one run's log at a time; `poll` looks for new lines."""

    def __init__(self, context: Context) -> None:
        super().__init__("Log")
        self._context = context
        self._run = ""
        self._lines: list[LogLine] = []
        self._earlier: list[LogLine] = []  # still to be put in, newest last
        self._turn = 0
        self._asking = self._earlier_wanted = self._later_wanted = False
        self._at_end = True
        self._whole = False  # nothing comes before the first line shown
        self.levels = ChoiceInput(_LEVELS)
        self.levels.setAccessibleName("Which lines")
        self.levels.setProperty("compact", "small")
        self.levels.setFixedWidth(136)
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search")
        self.search.setAccessibleName("Search the log")
        self.search.setProperty("compact", "small")
        self.search.setClearButtonEnabled(True)
        self.search.setMaximumWidth(150)
        self.top.setSpacing(8)
        self.top.setContentsMargins(0, 0, 10, 0)  # the text beneath reaches to its scroll bar
        self.top.addWidget(self.levels)
        self.top.addWidget(self.search)
        self.text = QPlainTextEdit()
        self.text.setReadOnly(True)
        self.text.setProperty("role", "log")
        self.text.setFont(mono_font())
        self.text.setTabChangesFocus(True)
        self.text.setUndoRedoEnabled(False)
        self.text.setAccessibleName("Log")
        self.said = label("", "dim", wrap=True)
        foot = QHBoxLayout()
        foot.addWidget(self.said)
        self.body.addWidget(self.text, 1)
        self.body.addLayout(foot)
        self.body.setContentsMargins(16, 12, 6, 10)
        self._wait = QTimer(self)
        self._wait.setSingleShot(True)
        self._wait.setInterval(_SEARCH_MILLISECONDS)
        self._wait.timeout.connect(self._begin)
        self._filling = QTimer(self)
        self._filling.setSingleShot(True)
        self._filling.timeout.connect(self._fill)
        self.levels.changed.connect(self._begin)
        self.search.textChanged.connect(self._wait.start)
        self.text.verticalScrollBar().valueChanged.connect(self._scrolled)
        self.text.verticalScrollBar().rangeChanged.connect(self._stay_at_end)
        context.theme.changed.connect(self._paint)

    @property
    def lines(self) -> int:
        """How many lines are shown."""
        return len(self._lines) - len(self._earlier)

    def show_run(self, run: str) -> None:
        """Show this run's log from its end."""
        self._run = run
        self._begin()

    def poll(self) -> None:
        """Look for lines that came since; once more, if it is being looked: those of a run's end may come just behind."""
        self._later_wanted = self._asking
        if self._run and not self._asking:
            self._read(after=self._lines[-1].id if self._lines else 0, limit=PAGE, newest=not self._lines)

    def stop(self) -> None:
        """Nothing is read and put in any more."""
        self._turn += 1
        self._asking = self._later_wanted = False
        self._wait.stop()
        self._filling.stop()

    def _begin(self) -> None:
        self.stop()
        self._lines, self._earlier, self._whole = [], [], False
        self.text.clear()
        if self._run:
            self._read(after=0, limit=PAGE, newest=True)

    def _read(self, *, after: int, limit: int, newest: bool) -> None:
        self._asking = True
        levels = next(levels for levels, _ in _LEVELS if levels == self.levels.value())
        job = partial(
            self._context.workspace.history.log,
            self._run,
            levels=levels,
            search=self.search.text().strip(),
            after_id=after,
            limit=limit,
            newest=newest,
        )
        take = partial(self._take_earlier if newest and self._lines else self._take_later, self._turn, limit)
        self._context.background.submit(self, job, take, partial(self._fail, self._turn))

    def _take_later(self, turn: int, limit: int, lines: list[LogLine]) -> None:
        if turn != self._turn:
            return
        self._asking = False
        first = not self._lines
        if first:
            self._whole = len(lines) < limit
        self._lines += lines
        self._append(lines)
        self._tell()
        if self._later_wanted or (len(lines) == limit and not first):
            self.poll()
        elif self._earlier_wanted:  # somebody scrolled to the beginning while new lines were read
            self._earlier_wanted = False
            self._scrolled(self.text.verticalScrollBar().value())

    def _take_earlier(self, turn: int, limit: int, lines: list[LogLine]) -> None:
        if turn != self._turn:
            return
        self._asking = False
        self._whole = len(lines) < limit
        earlier = [line for line in lines if line.id < self._lines[0].id]
        self._lines = earlier + self._lines
        self._earlier = earlier
        self._fill()
        if self._later_wanted:
            self.poll()

    def _fail(self, turn: int, error: AppError) -> None:
        if turn == self._turn:
            self._asking = False
            self.said.setText(str(error))
            self.said.show()

    def _tell(self) -> None:
        searching = bool(self.search.text().strip()) or bool(self.levels.value())
        nothing = "No line is like this." if searching else "Nothing is written here yet."
        self.said.setText("" if self._lines else nothing)
        self.said.setVisible(not self._lines)

    def _stay_at_end(self, _: int, maximum: int) -> None:
        """There is more text, or less room for it."""
        if self._at_end:
            self.text.verticalScrollBar().setValue(maximum)

    def _scrolled(self, value: int) -> None:
        self._at_end = value >= self.text.verticalScrollBar().maximum() - 1
        if value != self.text.verticalScrollBar().minimum() or not self._lines or self._whole:
            return
        self._earlier_wanted = self._asking
        if not self._asking:
            self._read(after=0, limit=len(self._lines) + max(PAGE, min(len(self._lines), _MOST_AT_ONCE)), newest=True)

    def _fill(self) -> None:
        """Put a slice of earlier lines before the others, so that what is read stays where it is."""
        chosen, self._earlier = self._earlier[-_SLICE:], self._earlier[:-_SLICE]
        if not chosen:
            return
        bar = self.text.verticalScrollBar()
        before = bar.maximum() - bar.value()
        cursor = QTextCursor(self.text.document())
        cursor.movePosition(QTextCursor.MoveOperation.Start)
        self._write(cursor, chosen, end=True)
        bar.setValue(bar.maximum() - before)
        if self._earlier:
            self._filling.start(0)

    def _append(self, lines: list[LogLine]) -> None:
        if not lines:
            return
        bar = self.text.verticalScrollBar()
        at_end, where = self._at_end, bar.value()
        cursor = QTextCursor(self.text.document())
        cursor.movePosition(QTextCursor.MoveOperation.End)
        if not self.text.document().isEmpty():
            cursor.insertBlock()
        self._write(cursor, lines, end=False)
        bar.setValue(bar.maximum() if at_end else where)

    def _write(self, cursor: QTextCursor, lines: list[LogLine], *, end: bool) -> None:
        """Write lines at the cursor; `end`: another line follows."""
        tokens = self._context.theme.tokens
        time_look, looks = _look(tokens.faint), {level: _look(tokens.ink(tone)) for level, tone in _TONES.items()}
        plain = _look(tokens.text)
        cursor.beginEditBlock()
        for at, line in enumerate(lines):
            if at:
                cursor.insertBlock()
            cursor.insertText(f"{clock(line.at)} ", time_look)
            cursor.insertText(f"{line.table}: {line.message}" if line.table else line.message, looks.get(line.level, plain))
        if end:
            cursor.insertBlock()
        cursor.endEditBlock()

    def _paint(self) -> None:
        """The colours are others now: write the lines again."""
        self._filling.stop()
        self._earlier = []
        self.text.clear()
        shown = self._lines[-_SLICE:]
        self._lines, self._whole = shown, self._whole and len(shown) == len(self._lines)
        self._append(shown)
        restyle(self.text)


def _look(colour: str) -> QTextCharFormat:
    made = QTextCharFormat()
    made.setForeground(QColor(colour))
    return made
