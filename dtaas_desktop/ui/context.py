"""What every page is given: the workspace, the look, the background pool, the runs as they are now, and the way to other pages."""

from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

from dtaas_desktop.services.workspace import Workspace
from dtaas_desktop.ui.background import Background
from dtaas_desktop.ui.live_runs import LiveRuns
from dtaas_desktop.ui.theme import Theme


@dataclass(frozen=True, slots=True)
class Place:
    """Somewhere in the window: a page (dashboard, tasks, connections, runs, settings), an item of it, and what to do there.

    Items: the UUID of a task, the name of a connection, the id of a run. `act`: “new”, “edit” and the like, known to the page.
    """

    page: str
    item: str = ""
    act: str = ""


class Navigator(QObject):
    """Pages ask for other places here; the main window goes there."""

    asked = Signal(Place)
    said = Signal(str)  # a sentence to show for a moment: “Copied”, “Saved”
    help_asked = Signal(str)  # a topic of the help

    def go(self, page: str, item: str = "", act: str = "") -> None:
        self.asked.emit(Place(page, item, act))

    def help(self, topic: str) -> None:
        """Open the help on a topic (a file of resources/help, without its ending)."""
        self.help_asked.emit(topic)

    def say(self, sentence: str) -> None:
        self.said.emit(sentence)


@dataclass(frozen=True, slots=True)
class Context:
    workspace: Workspace
    theme: Theme
    background: Background
    runs: LiveRuns
    navigator: Navigator
