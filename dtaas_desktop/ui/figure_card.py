"""A card with one figure, what it is compared with, and how it went. Its height never changes."""

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy

from dtaas_desktop.ui.theme import Theme
from dtaas_desktop.ui.tokens import Tone
from dtaas_desktop.ui.widgets import Card, Sparkline, label

HEIGHT = 120


class FigureCard(Card):
    """`name` says what is counted."""

    def __init__(self, theme: Theme, name: str, tone: Tone) -> None:
        super().__init__()
        self.setFixedHeight(HEIGHT)
        self.setMinimumWidth(170)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._name = label(name, "dim")
        self.value, self.foot = label("—", "figure"), label("", "dim")
        self._line = Sparkline(theme, tone)
        self._line.setMinimumWidth(20)  # it gives way to the words
        self._line.setMaximumWidth(112)
        self.body.setSpacing(0)
        self.body.addWidget(self._name)
        self.body.addWidget(self.value)
        row = QHBoxLayout()
        row.setSpacing(12)
        row.addWidget(self.foot, 0, Qt.AlignmentFlag.AlignBottom)
        row.addStretch(1)
        row.addWidget(self._line, 100, Qt.AlignmentFlag.AlignBottom)
        self.body.addStretch(1)
        self.body.addLayout(row)

    def show_figure(self, value: str, foot: str, points: Sequence[float], *, exact: str = "") -> None:
        """`exact`: the figure in full, for the tooltip and for screen readers."""
        self.value.setText(value)
        self.value.setToolTip(exact)
        self.foot.setText(foot)
        self.foot.setToolTip(foot)
        self._line.show_points(points)
        self.setAccessibleName(f"{self._name.text()}: {exact or value}, {foot}")
