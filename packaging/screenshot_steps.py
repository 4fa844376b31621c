"""What is done on a page before its picture is taken, by name."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dtaas_desktop.ui.connection_editor import ConnectionEditor
    from dtaas_desktop.ui.main_window import MainWindow
    from dtaas_desktop.ui.pages.connections import ConnectionsPage
    from dtaas_desktop.ui.task_form import TaskForm


def do(window: "MainWindow", step: str) -> None:
    """“name” or “name: what with”."""
    name, _, words = step.partition(": ")
    _STEPS[name](window, words)


def _connections(window: "MainWindow") -> "ConnectionsPage":
    from dtaas_desktop.ui.pages.connections import ConnectionsPage

    assert isinstance(window.page, ConnectionsPage)
    return window.page


def _editor(window: "MainWindow") -> "ConnectionEditor":
    editor = _connections(window).editor
    assert editor is not None
    return editor


def _kind(window: "MainWindow", kind: str) -> None:
    _connections(window).kinds.chosen.emit(kind)


def _login(window: "MainWindow", login: str) -> None:
    row = _editor(window).form.field("login")
    row.input.show_value(login)
    row.input.changed.emit()


def _advanced(window: "MainWindow", _: str) -> None:
    form = _editor(window).form
    form.focus_field("driver")


def _test(window: "MainWindow", _: str) -> None:
    from PySide6.QtTest import QTest

    editor = _editor(window)
    editor.test()
    for _round in range(600):
        if editor.test_state is not None:
            break
        QTest.qWait(20)


def _table(window: "MainWindow", table: str) -> None:
    from dtaas_desktop.ui.pages.runs import RunsPage

    if isinstance(window.page, RunsPage):
        model, chosen = window.page.view.model, window.page.view.table
        chosen.choose([one.source_table for one in model.records].index(table))
        return
    tables = _editor(window).tables
    assert tables is not None
    tables.list.choose([str(ref) for ref in tables.shown].index(table))


def _column(window: "MainWindow", column: str) -> None:
    editor = _editor(window)
    tables = editor.tables
    assert tables is not None
    tables.details.table.choose([one.name for one in tables.details.columns.records].index(column))
    editor.ensureWidgetVisible(tables.details.about, 0, 40)


def _check(window: "MainWindow", _: str) -> None:
    from dtaas_desktop.ui.pages.tasks import TasksPage

    assert isinstance(window.page, TasksPage)
    window.page.actions_of_task.actions["check"].trigger()


def _tab(window: "MainWindow", number: str) -> None:
    from dtaas_desktop.ui.pages.runs import RunsPage

    assert isinstance(window.page, RunsPage)
    window.page.view.samples.tabs.setCurrentIndex(int(number))


def _scroll(window: "MainWindow", _: str) -> None:
    """To the end of what scrolls the most."""
    from PySide6.QtWidgets import QScrollArea

    bars = [area.verticalScrollBar() for area in window.page.findChildren(QScrollArea) if area.isVisible()]
    longest = max(bars, key=lambda bar: bar.maximum())
    longest.rangeChanged.connect(lambda _least, most: longest.setValue(most))  # also when the window gets another size
    longest.setValue(longest.maximum())


def _help(window: "MainWindow", _: str) -> None:
    window.open_help()


def _form(window: "MainWindow") -> "TaskForm":
    from dtaas_desktop.ui.pages.tasks import TasksPage

    assert isinstance(window.page, TasksPage)
    return window.page.form


def _what_is_read(window: "MainWindow", _: str) -> None:
    form = _form(window)
    form.ensureWidgetVisible(form.transfer.follow, 0, 40)


def _look_back(window: "MainWindow", typed: str) -> None:
    _form(window).transfer.follow.look_back.setText(typed)


_STEPS: Mapping[str, Callable[["MainWindow", str], None]] = {
    "kind": _kind,
    "login": _login,
    "advanced": _advanced,
    "test": _test,
    "table": _table,
    "column": _column,
    "check": _check,
    "help": _help,
    "what is read": _what_is_read,
    "look back": _look_back,
    "tab": _tab,
    "scroll": _scroll,
}
