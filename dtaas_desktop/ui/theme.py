"""The look of the whole application: fonts, palette and style sheet from the tokens, dark, light or as the system has it."""

from string import Template
from typing import Literal

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QPalette
from PySide6.QtWidgets import QApplication, QStyleFactory

from dtaas_desktop.services.resources import resources_folder
from dtaas_desktop.ui.tokens import DARK, LIGHT, Tokens

Choice = Literal["system", "dark", "light"]
BODY = "Inter"
MONO = "JetBrains Mono"


class Theme(QObject):
    """The theme in use. `changed` tells widgets that paint themselves to paint again."""

    changed = Signal()

    def __init__(self, application: QApplication, choice: Choice = "system") -> None:
        super().__init__(application)
        self._application = application
        self._choice: Choice = choice
        self.tokens: Tokens = DARK
        _load_fonts()
        style = QStyleFactory.create("Fusion")
        assert style is not None
        application.setStyle(style)
        application.setFont(body_font())
        application.styleHints().colorSchemeChanged.connect(self._follow)
        self.choose(choice)

    @property
    def choice(self) -> Choice:
        return self._choice

    def choose(self, choice: Choice) -> None:
        """Use this theme from now on, everywhere."""
        self._choice = choice
        dark = choice == "dark" or (choice == "system" and self._system_is_dark())
        self.tokens = DARK if dark else LIGHT
        self._application.setPalette(palette(self.tokens))
        self._application.setStyleSheet(style_sheet(self.tokens))
        self.changed.emit()

    def _system_is_dark(self) -> bool:
        return self._application.styleHints().colorScheme() == Qt.ColorScheme.Dark

    def _follow(self) -> None:
        if self._choice == "system":
            self.choose("system")


def body_font(pixels: int = 13, weight: QFont.Weight = QFont.Weight.Normal) -> QFont:
    """Inter with tabular figures, so that numbers stand under each other and do not dance."""
    font = QFont(BODY)
    font.setPixelSize(pixels)
    font.setWeight(weight)
    font.setFeature(QFont.Tag("tnum"), 1)
    return font


def mono_font(pixels: int = 12) -> QFont:
    """For data, logs and table names. Without ligatures: what is shown is what is there."""
    font = QFont(MONO)
    font.setPixelSize(pixels)
    font.setFeature(QFont.Tag("calt"), 0)
    return font


def palette(tokens: Tokens) -> QPalette:
    """Every role that Fusion asks for, so that no widget falls back to the system's colours."""
    role = QPalette.ColorRole
    found = QPalette()
    for which, colour in (
        (role.Window, tokens.bg),
        (role.WindowText, tokens.text),
        (role.Base, tokens.bg),
        (role.AlternateBase, tokens.panel),
        (role.Text, tokens.text),
        (role.PlaceholderText, tokens.faint),
        (role.Button, tokens.raised),
        (role.ButtonText, tokens.text),
        (role.BrightText, tokens.red),
        (role.Highlight, tokens.accent_fill),
        (role.HighlightedText, tokens.text),
        (role.Accent, tokens.accent),
        (role.Link, tokens.accent),
        (role.LinkVisited, tokens.accent),
        (role.ToolTipBase, tokens.raised),
        (role.ToolTipText, tokens.text),
        (role.Light, tokens.line),
        (role.Midlight, tokens.line),
        (role.Mid, tokens.line),
        (role.Dark, tokens.line),
        (role.Shadow, tokens.bg),
    ):
        found.setColor(which, QColor(colour))
    for which in (role.WindowText, role.Text, role.ButtonText):
        found.setColor(QPalette.ColorGroup.Disabled, which, QColor(tokens.faint))
    return found


def style_sheet(tokens: Tokens) -> str:
    """resources/theme.qss with the tokens filled in."""
    names = {name: getattr(tokens, name) for name in tokens.__slots__ if name not in ("dark", "series")}
    folder = (resources_folder() / "icons").as_posix()
    names |= {"icons": folder, "mode": "dark" if tokens.dark else "light", "mono": MONO}
    return Template((resources_folder() / "theme.qss").read_text(encoding="utf-8")).substitute(names)


def _load_fonts() -> None:
    for file in sorted((resources_folder() / "fonts").glob("*.[ot]tf")):
        QFontDatabase.addApplicationFont(str(file))
