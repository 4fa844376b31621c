"""What a connection is made with on this computer (a driver), told beneath its form."""

from collections.abc import Mapping
from functools import partial

from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from dtaas_desktop.domain.errors import AppError
from dtaas_desktop.services import browse
from dtaas_desktop.ui.context import Context
from dtaas_desktop.ui.widgets import label, restyle


class ConnectionMeans(QWidget):
    """Hidden where there is nothing to tell; asks again when the setting that decides has changed."""

    def __init__(self, context: Context, kind: str) -> None:
        super().__init__()
        self._context, self._kind = context, kind
        self._asked: object = self
        self.said: QLabel = label("", "dim", wrap=True)
        restyle(self.said, size="small")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.said)
        self.hide()

    def show_settings(self, settings: Mapping[str, object]) -> None:
        """Tell it for these."""
        wanted = settings.get("driver")
        if wanted == self._asked:
            return
        self._asked = wanted
        job = partial(browse.means, self._kind, dict(settings))
        self._context.background.submit(self, job, partial(self._say, wanted), partial(self._fail, wanted))

    def _say(self, asked: object, words: str) -> None:
        if asked == self._asked:
            self._show(words, "")

    def _fail(self, asked: object, error: AppError) -> None:
        if asked == self._asked:
            self._show(str(error), "amber")

    def _show(self, words: str, tone: str) -> None:
        self.said.setText(words)
        restyle(self.said, tone=tone)
        self.setVisible(bool(words))
