"""The pages of the window, in the order of the sidebar, and how each is made on first use."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from dtaas_desktop.ui.context import Context
from dtaas_desktop.ui.page import Page

PageFactory = Callable[[Context], Page]


@dataclass(frozen=True, slots=True)
class Entry:
    """`name` is what context.Place calls the page, `icon` a key of icons.NAMES, `topic` the help that F1 opens there."""

    name: str
    title: str
    icon: str
    topic: str


ENTRIES = (
    Entry("dashboard", "Dashboard", "dashboard", "getting-started"),
    Entry("tasks", "Tasks", "tasks", "tasks"),
    Entry("connections", "Connections", "connections", "connections"),
    Entry("runs", "Runs", "runs", "runs"),
    Entry("settings", "Settings", "settings", "settings"),
)


# Each page's module is imported when the page is first shown: the window must not wait for what nobody looks at.
def _dashboard(context: Context) -> Page:
    from dtaas_desktop.ui.pages.dashboard import DashboardPage

    return DashboardPage(context)


def _tasks(context: Context) -> Page:
    from dtaas_desktop.ui.pages.tasks import TasksPage

    return TasksPage(context)


def _connections(context: Context) -> Page:
    from dtaas_desktop.ui.pages.connections import ConnectionsPage

    return ConnectionsPage(context)


def _runs(context: Context) -> Page:
    from dtaas_desktop.ui.pages.runs import RunsPage

    return RunsPage(context)


def _settings(context: Context) -> Page:
    from dtaas_desktop.ui.pages.settings import SettingsPage

    return SettingsPage(context)


FACTORIES: Mapping[str, PageFactory] = MappingProxyType(
    {"dashboard": _dashboard, "tasks": _tasks, "connections": _connections, "runs": _runs, "settings": _settings}
)
