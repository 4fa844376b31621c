"""F1: the help, a list of topics beside the one that is read."""

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QColor, QDesktopServices, QTextCharFormat, QTextCursor, QTextDocument
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QTextBrowser,
    QTextEdit,
    QVBoxLayout,
    QWidget,
)

from dtaas_desktop.ui.help_style import style_document
from dtaas_desktop.ui.help_topics import Topic, topics
from dtaas_desktop.ui.theme import Theme
from dtaas_desktop.ui.widgets import label

_FIND_LETTERS = 2


class HelpView(QDialog):
    """A window of its own, to be read beside the one that it is about."""

    def __init__(self, parent: QWidget, theme: Theme) -> None:
        super().__init__(parent, Qt.WindowType.Window)
        self._theme = theme
        self._topic: Topic | None = None
        self.setWindowTitle("Help – DTaaS Desktop")
        self.resize(940, 680)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self._side())
        self.text = QTextBrowser()
        self.text.setAccessibleName("Help text")
        self.text.setOpenLinks(False)
        self.text.setFrameShape(QTextBrowser.Shape.NoFrame)
        self.text.anchorClicked.connect(self._follow)
        row.addWidget(self.text, 1)
        theme.changed.connect(self._show)
        self._fill("")
        self.search.setFocus()

    @property
    def topic(self) -> str:
        """The name of the topic that is shown."""
        return self._topic.name if self._topic else ""

    def open_topic(self, name: str) -> None:
        """Show this topic; the first one if there is none of this name."""
        self.search.clear()
        row = next((at for at, one in enumerate(topics()) if one.name == name), 0)
        self.list.setCurrentRow(row)

    def _side(self) -> QWidget:
        side = QWidget()
        side.setProperty("role", "sidebar")
        side.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        side.setFixedWidth(230)
        column = QVBoxLayout(side)
        column.setContentsMargins(12, 14, 12, 12)
        column.setSpacing(10)
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search the help")
        self.search.setAccessibleName("Search the help")
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._fill)
        self.search.returnPressed.connect(self._next_match)
        self.list = QListWidget()
        self.list.setProperty("role", "topics")
        self.list.setAccessibleName("Topics")
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.list.currentItemChanged.connect(self._chosen)
        self._nothing = label("No topic has these words.", "dim", wrap=True)
        column.addWidget(self.search)
        column.addWidget(self.list, 1)
        column.addWidget(self._nothing)
        return side

    def _fill(self, words: str) -> None:
        wanted = words.casefold().split()
        found = [one for one in topics() if all(word in one.text.casefold() for word in wanted)]
        # What the title says counts before what the text says.
        found.sort(key=lambda one: not all(word in one.title.casefold() for word in wanted))
        self.list.blockSignals(True)
        self.list.clear()
        for topic in found:
            item = QListWidgetItem(topic.title)
            item.setData(Qt.ItemDataRole.UserRole, topic)
            self.list.addItem(item)
        self.list.blockSignals(False)
        self._nothing.setVisible(not found)
        if found:
            same = next((at for at, one in enumerate(found) if one is self._topic), 0)
            self.list.setCurrentRow(same if not wanted else 0)
        self._mark_matches()

    def _chosen(self, item: QListWidgetItem | None) -> None:
        if item is None:
            return
        topic: Topic = item.data(Qt.ItemDataRole.UserRole)
        if topic is not self._topic:
            self._topic = topic
            self._show()

    def _show(self) -> None:
        if self._topic is None:
            return
        document = QTextDocument(self.text)
        document.setMarkdown(self._topic.text)
        style_document(document, self._theme.tokens)
        self.text.setDocument(document)  # the one before belongs to the browser, which deletes it
        self._mark_matches()

    def _mark_matches(self) -> None:
        """Show where the words stand that are searched for, and go to the first place."""
        marks: list[QTextEdit.ExtraSelection] = []
        for word in self.search.text().split():
            if len(word) >= _FIND_LETTERS:
                marks += self._places(word)
        self.text.setExtraSelections(marks)
        if marks:
            first = min(marks, key=lambda mark: mark.cursor.position())
            self._go_to(first.cursor)

    def _places(self, word: str) -> list[QTextEdit.ExtraSelection]:
        fill = QTextCharFormat()
        fill.setBackground(QColor(self._theme.tokens.amber_fill))
        fill.setForeground(QColor(self._theme.tokens.amber))
        found = []
        at = self.text.document().find(word)
        while not at.isNull():
            mark = QTextEdit.ExtraSelection()
            mark.cursor = at
            mark.format = fill
            found.append(mark)
            at = self.text.document().find(word, at)
        return found

    def _next_match(self) -> None:
        words = self.search.text().split()
        if not words:
            return
        found = self.text.document().find(words[0], self.text.textCursor())
        self._go_to(found if not found.isNull() else self.text.document().find(words[0]))

    def _go_to(self, cursor: QTextCursor) -> None:
        if not cursor.isNull():
            place = QTextCursor(cursor)
            place.setPosition(cursor.selectionEnd())
            self.text.setTextCursor(place)
            self.text.ensureCursorVisible()

    def _follow(self, url: QUrl) -> None:
        """Go to another topic (“runs.md”), a heading of this one (“#states”), or out into the web."""
        if url.scheme() in ("http", "https", "mailto"):
            QDesktopServices.openUrl(url)
        elif url.path():
            self.open_topic(url.path().removesuffix(".md"))
