"""Missing system libraries: got with apt where that may be done, named in one line elsewhere."""

import builtins
import shutil
import subprocess
from collections.abc import Callable, Sequence

import dev
import dev_system
import pytest
from dev_system import NEEDS, Need, SetupFailed, provide


class Machine:
    """A system that lacks one library, and what was done to it."""

    def __init__(self) -> None:
        self.installed = False
        self.commands: list[list[str]] = []
        self.answers: list[tuple[int, str]] = []

    def need(self) -> Need:
        return Need("the wanted library", "libwanted1", lambda: self.installed)

    def run(self, command: Sequence[str], **_: object) -> "subprocess.CompletedProcess[str]":
        self.commands.append(list(command))
        code, words = self.answers.pop(0) if self.answers else (0, "")
        self.installed = self.installed or (code == 0 and "install" in command)
        return subprocess.CompletedProcess(list(command), code, stdout=words)

    @property
    def apt(self) -> list[list[str]]:
        """What apt-get was told, without its options."""
        tails = [command[command.index("apt-get") + 1 :] for command in self.commands]
        return [[word for word in tail if not word.startswith(("-", "DPkg"))] for tail in tails]


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Unattended, with apt, as root."""
    made = Machine()
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(dev_system, "in_terminal", lambda: False)
    monkeypatch.setattr(dev_system, "_rights", list)
    monkeypatch.setattr(subprocess, "run", made.run)
    monkeypatch.setattr(dev_system, "APT_PAUSE", 0)
    return made


def answering(answer: str, asked: list[str]) -> Callable[[str], str]:
    def answered(question: str) -> str:
        asked.append(question)
        return answer

    return answered


def test_nothing_is_done_where_nothing_is_missing(machine: Machine) -> None:
    machine.installed = True
    provide([machine.need()])
    assert machine.commands == []


def test_unattended_it_is_installed_without_a_question(machine: Machine) -> None:
    provide([machine.need()])
    assert machine.apt == [["update"], ["install", "libwanted1"]]
    assert all("DEBIAN_FRONTEND=noninteractive" in command for command in machine.commands)


def test_sudo_goes_before_everything_else(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dev_system, "_rights", lambda: ["sudo"])
    provide([machine.need()])
    assert {command[0] for command in machine.commands} == {"sudo"}


@pytest.mark.parametrize("answer", ["", "y", " Yes "])
def test_in_a_terminal_it_asks_once_and_enter_is_yes(machine: Machine, monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    asked: list[str] = []
    monkeypatch.setattr(dev_system, "in_terminal", lambda: True)
    monkeypatch.setattr(builtins, "input", answering(answer, asked))
    provide([machine.need(), machine.need()])
    assert asked == ["Install with apt-get: libwanted1 libwanted1? [Y/n] "]
    assert machine.installed


def test_after_a_no_the_line_to_copy_is_named(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dev_system, "in_terminal", lambda: True)
    monkeypatch.setattr(builtins, "input", answering("n", []))
    with pytest.raises(SetupFailed, match=r"\n    sudo apt-get update && sudo apt-get install -y libwanted1$"):
        provide([machine.need()])
    assert machine.commands == []


def test_without_rights_the_line_to_copy_is_named(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dev_system, "_rights", lambda: None)
    with pytest.raises(SetupFailed, match="sudo apt-get install -y libwanted1"):
        provide([machine.need()])


def test_without_apt_the_thing_itself_is_named(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(SetupFailed, match=r"Missing here: the wanted library\."):
        provide([machine.need()])


def test_another_apt_at_work_is_waited_for(machine: Machine) -> None:
    machine.answers = [(100, "E: Could not get lock /var/lib/apt/lists/lock"), (0, "")]
    provide([machine.need()])
    assert machine.apt == [["update"], ["update"], ["install", "libwanted1"]]


def test_a_failing_apt_is_shown_with_its_own_words(machine: Machine) -> None:
    machine.answers = [(0, ""), (100, "E: Unable to locate package libwanted1")]
    with pytest.raises(SetupFailed, match="E: Unable to locate package libwanted1"):
        provide([machine.need()])


def test_every_command_says_what_it_needs_of_the_system() -> None:
    assert set(dev.COMMANDS) - {"lock", "servers"} <= set(NEEDS)
    assert all(any(need.package.endswith("-venv") for need in needs) for needs in NEEDS.values())
