"""The look of a Markdown text: Qt's own for Markdown cannot be styled by a style sheet."""

from PySide6.QtGui import (
    QColor,
    QFont,
    QTextBlock,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextFrame,
    QTextFrameFormat,
    QTextLength,
    QTextTable,
)

from dtaas_desktop.ui.theme import MONO, body_font
from dtaas_desktop.ui.tokens import Tokens

_HEADINGS = {1: (22, 0.0, 10.0), 2: (16, 22.0, 6.0), 3: (13, 16.0, 4.0)}  # pixels, above, below


def style_document(document: QTextDocument, tokens: Tokens) -> None:
    """Give the document the fonts, colours and distances of the application."""
    document.setDefaultFont(body_font(14))
    document.setDocumentMargin(32)
    block = document.begin()
    while block.isValid():
        _style_block(block, tokens)
        block = block.next()
    for frame in document.rootFrame().childFrames():
        if isinstance(frame, QTextTable):
            _style_table(frame, tokens)


def _style_block(block: QTextBlock, tokens: Tokens) -> None:
    cursor = QTextCursor(block)
    level = block.blockFormat().headingLevel()
    is_code = block.blockFormat().hasProperty(QTextBlockFormat.Property.BlockCodeFence) or block.blockFormat().hasProperty(
        QTextBlockFormat.Property.BlockCodeLanguage
    )
    spacing = QTextBlockFormat()
    spacing.setLineHeight(138, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value)
    if level:
        _, above, below = _HEADINGS.get(level, _HEADINGS[3])
        spacing.setTopMargin(above)
        spacing.setBottomMargin(below)
    elif is_code:
        spacing.setBackground(QColor(tokens.soft))
        spacing.setLeftMargin(4)
    elif cursor.currentTable() is None:
        in_list = QTextCursor(block).currentList() is not None
        spacing.setTopMargin(2 if in_list else 5)
        spacing.setBottomMargin(3 if in_list else 6)
    cursor.mergeBlockFormat(spacing)
    for start, length, known in _fragments(block):
        part = QTextCursor(block.document())
        part.setPosition(start)
        part.setPosition(start + length, QTextCursor.MoveMode.KeepAnchor)
        part.setCharFormat(_letters(known, level, is_code, tokens))


def _fragments(block: QTextBlock) -> list[tuple[int, int, QTextCharFormat]]:
    found = []
    parts = block.begin()
    while not parts.atEnd():
        fragment = parts.fragment()
        found.append((fragment.position(), fragment.length(), fragment.charFormat()))
        parts += 1
    return found


def _letters(known: QTextCharFormat, level: int, is_code: bool, tokens: Tokens) -> QTextCharFormat:
    wanted = QTextCharFormat(known)
    wanted.clearProperty(QTextCharFormat.Property.FontSizeAdjustment)  # Markdown's own enlargement of headings
    if level:
        font = body_font(_HEADINGS.get(level, _HEADINGS[3])[0], QFont.Weight.DemiBold)
        wanted.setFont(font)
        wanted.setForeground(QColor(tokens.text))
    elif known.isAnchor():
        wanted.setForeground(QColor(tokens.accent))
        wanted.setFontUnderline(False)
    elif is_code or known.fontFixedPitch():
        wanted.setFontFamilies([MONO])
        wanted.setProperty(QTextCharFormat.Property.FontPixelSize, 13)
        if not is_code:
            wanted.setBackground(QColor(tokens.soft))
        wanted.setForeground(QColor(tokens.text))
    else:
        wanted.setForeground(QColor(tokens.text))
    return wanted


def _style_table(table: QTextTable | QTextFrame, tokens: Tokens) -> None:
    assert isinstance(table, QTextTable)
    look = table.format()
    look.setBorder(1)
    look.setBorderCollapse(True)
    look.setBorderBrush(QColor(tokens.line))
    look.setBorderStyle(QTextFrameFormat.BorderStyle.BorderStyle_Solid)
    look.setCellPadding(7)
    look.setCellSpacing(0)
    look.setTopMargin(4)
    look.setBottomMargin(12)
    look.setWidth(QTextLength(QTextLength.Type.PercentageLength, 100))
    table.setFormat(look)
    for column in range(table.columns()):
        cell = table.cellAt(0, column)
        head = cell.format()
        head.setBackground(QColor(tokens.panel))
        cell.setFormat(head)
        cursor = cell.firstCursorPosition()
        cursor.setPosition(cell.lastPosition(), QTextCursor.MoveMode.KeepAnchor)
        bold = QTextCharFormat()
        bold.setFontWeight(QFont.Weight.DemiBold)
        cursor.mergeCharFormat(bold)
