"""What the window remembers between its starts, in an ini file of the workspace."""

from pathlib import Path

from PySide6.QtCore import QByteArray, QSettings

_RECENT = 12


class WindowMemory:
    """Geometry, last page, width of the sidebar, recent commands. A damaged or missing file is an empty memory."""

    def __init__(self, folder: Path) -> None:
        self._file = QSettings(str(folder / "window.ini"), QSettings.Format.IniFormat)

    @property
    def geometry(self) -> QByteArray:
        found = self._file.value("window/geometry")
        return found if isinstance(found, QByteArray) else QByteArray()

    @property
    def page(self) -> str:
        return str(self._file.value("window/page") or "")

    @property
    def narrow(self) -> bool | None:
        """Whether the sidebar shows icons only; None: as there is room."""
        found = str(self._file.value("window/sidebar") or "")
        return {"narrow": True, "wide": False}.get(found)

    @property
    def recent(self) -> list[str]:
        """The commands chosen last, newest first."""
        found = self._file.value("palette/recent")
        if isinstance(found, str):
            return [found]
        return [str(one) for one in found] if isinstance(found, list) else []

    @property
    def span(self) -> str:
        """The title of the time that the dashboard shows."""
        return str(self._file.value("dashboard/span") or "")

    def keep_span(self, title: str) -> None:
        self._file.setValue("dashboard/span", title)
        self._file.sync()

    def keep_window(self, geometry: QByteArray, page: str, narrow: bool | None) -> None:
        self._file.setValue("window/geometry", geometry)
        self._file.setValue("window/page", page)
        self._file.setValue("window/sidebar", {True: "narrow", False: "wide", None: ""}[narrow])
        self._file.sync()

    def keep_recent(self, command: str) -> None:
        """Remember that this command was chosen."""
        others = [one for one in self.recent if one != command]
        self._file.setValue("palette/recent", [command, *others][:_RECENT])
