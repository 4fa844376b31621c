"""Unexpected errors: shown, reported without secrets, and survived."""

import logging
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from dtaas_desktop.ui.context import Context
from dtaas_desktop.ui.error_report import clean, report_of
from dtaas_desktop.ui.main_window import MainWindow
from dtaas_desktop.ui.unexpected import Unexpected
from tests.ui.test_shell import plain_pages


@pytest.fixture
def shell(context: Context, qtbot: QtBot) -> MainWindow:
    shown = MainWindow(context, plain_pages())
    qtbot.addWidget(shown, before_close_func=lambda one: one.close_without_asking())
    with qtbot.waitExposed(shown):
        shown.show()
    return shown


@pytest.fixture
def unexpected(shell: MainWindow) -> Iterator[Unexpected]:
    handler = Unexpected(lambda: shell)
    handler.install()
    yield handler
    handler.remove()


def test_an_unexpected_error_is_shown_can_be_copied_and_everything_goes_on(
    unexpected: Unexpected, shell: MainWindow, qtbot: QtBot, caplog: pytest.LogCaptureFixture
) -> None:
    secret_value = "hunter2"
    try:
        raise LookupError(f"no such thing at postgresql://me:{secret_value}@db/x, password={secret_value}")
    except LookupError as error:
        sys.excepthook(type(error), error, error.__traceback__)
    shown = unexpected.dialog
    assert shown is not None
    assert not shown.details.isVisible()
    qtbot.mouseClick(shown.copy, Qt.MouseButton.LeftButton)
    copied = QGuiApplication.clipboard().text()
    assert "LookupError" in copied
    assert "test_errors.py" in copied
    assert "DTaaS Desktop" in copied
    assert secret_value not in copied
    assert str(Path.home()) + "/" not in copied
    qtbot.mouseClick(shown.fold, Qt.MouseButton.LeftButton)
    assert shown.details.isVisible()
    qtbot.mouseClick(shown.go_on, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: unexpected.dialog is None and shell.isActiveWindow())
    qtbot.keyClick(shell, Qt.Key.Key_2, Qt.KeyboardModifier.ControlModifier)
    assert shell.page_name == "tasks"
    assert secret_value not in caplog.text


def test_the_same_error_twice_shows_one_dialog_and_can_be_silenced(unexpected: Unexpected, qtbot: QtBot) -> None:
    def fail() -> BaseException:
        try:
            raise LookupError("again")
        except LookupError as error:
            return error

    unexpected.of_background(fail())
    first = unexpected.dialog
    assert first is not None
    unexpected.of_background(fail())
    assert unexpected.dialog is first
    assert "2 times" in first.heading.text()
    first.quiet.click()
    qtbot.mouseClick(first.go_on, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: unexpected.dialog is None)
    unexpected.of_background(fail())
    assert unexpected.dialog is None


def test_an_error_in_a_thread_is_shown_too(unexpected: Unexpected, qtbot: QtBot) -> None:
    def fail() -> None:
        raise LookupError("missing")

    thread = threading.Thread(target=fail, name="counting")
    thread.start()
    thread.join()
    qtbot.waitUntil(lambda: unexpected.dialog is not None)
    assert unexpected.dialog is not None
    assert "counting" in unexpected.dialog.report.text
    unexpected.dialog.close()


def test_warnings_of_qt_go_to_the_log(unexpected: Unexpected, caplog: pytest.LogCaptureFixture) -> None:
    from PySide6.QtCore import qWarning

    with caplog.at_level(logging.WARNING):
        qWarning("something odd")
    assert "something odd" in caplog.text


@pytest.mark.parametrize(
    "said",
    [
        "postgresql://me:hunter2@host/db",
        "Driver=x;Server=y;PWD=hunter2;Encrypt=yes",
        'settings {"password": "hunter2"}',
        "Authorization: Bearer hunter2",
        "aws_secret_access_key = hunter2",
        "[SQL: INSERT] [parameters: ('a', 'hunter2')]",
        "private_key: {hunter2}",
        "token='hunter2'",
    ],
)
def test_what_looks_like_a_secret_is_struck_out(said: str) -> None:
    assert "hunter2" not in clean(said)


def test_a_report_has_no_local_variables() -> None:
    hidden = "hunter2"
    try:
        raise ValueError(len(hidden))
    except ValueError as error:
        report = report_of(error, "testing")
    assert "ValueError: 7" in report.text
    assert "While testing" in report.text
    assert report.text.count("hunter2") == 0
