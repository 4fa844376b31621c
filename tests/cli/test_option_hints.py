"""Remedies say what to do; the command line adds which of its options does it, and the window says nothing of options."""

import re
from pathlib import Path

import pytest

from dtaas_desktop.cli.option_hints import with_options

_BELOW = ("domain", "transforms", "connectors", "engine", "services", "ui")
_ROOT = Path(__file__).resolve().parents[2] / "dtaas_desktop"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("Make a full reload of “orders”.", "Make a full reload (--full-reload) of “orders”."),
        ("Switch the capture on again, then wait.", "Switch the capture on again (--enable-capture), then wait."),
        ("Or allow the task once to take over “t”.", "Or allow the task once to take over “t” (--take-over)."),
        ("Check the task to see one more problem.", "Check the task (--check-task) to see one more problem."),
        ("Ask a DBA.", "Ask a DBA."),
    ],
)
def test_a_remedy_is_told_with_the_option_that_does_it(said: str, told: str) -> None:
    assert with_options(said) == told


def test_no_sentence_below_the_command_line_speaks_of_its_options() -> None:
    """What is said there is shown in the window as well. Options in commands that are started are no sentences."""
    options = re.compile(r"--[a-z]+(?:-[a-z]+)+")
    allowed = {"run_process.py"}  # builds the command of a run process
    found = [
        f"{file.relative_to(_ROOT)}: {line.strip()}"
        for layer in _BELOW
        for file in (_ROOT / layer).rglob("*.py")
        if file.name not in allowed
        for line in file.read_text(encoding="utf-8").splitlines()
        if options.search(line.partition("  # ")[0]) and any(mark in line for mark in ("remedy", 'f"', "message"))
    ]
    assert not found
