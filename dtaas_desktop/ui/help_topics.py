"""The topics of the in-app help: Markdown files of resources/help, in their order."""

from dataclasses import dataclass
from functools import cache

from dtaas_desktop.services.resources import resources_folder

# The order of the list; a file that is missing here comes last.
_ORDER = (
    "getting-started",
    "tasks",
    "runs",
    "connections",
    "sql-server",
    "secrets",
    "schedules",
    "settings",
    "keyboard",
    "troubleshooting",
)


@dataclass(frozen=True, slots=True)
class Topic:
    """`name` is the file's name without its ending, `title` its first heading, `text` all of it."""

    name: str
    title: str
    text: str


@cache
def topics() -> tuple[Topic, ...]:
    """All topics there are."""
    files = {file.stem: file for file in (resources_folder() / "help").glob("*.md")}
    names = sorted(files, key=lambda name: (_ORDER.index(name) if name in _ORDER else len(_ORDER), name))
    return tuple(_read(name, files[name].read_text(encoding="utf-8")) for name in names)


def _read(name: str, text: str) -> Topic:
    title = text.split("\n", 1)[0].removeprefix("# ").strip()
    return Topic(name, title, text)
