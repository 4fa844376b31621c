"""Secrets: kept where asked, found again, never shown; and what is said when a store cannot be used."""

import os
import stat
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends import chainer, fail, null
from keyring.errors import KeyringLocked, PasswordSetError

from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.services.keyring_store import SERVICE, Keyring
from dtaas_desktop.services.secrets import resolve_without_metadata
from dtaas_desktop.services.workspace import Workspace

SECRET = "canary-4711-überraschung"


class MemoryKeyring(KeyringBackend):
    """One that works."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.entries: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.entries[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.entries[service, username]


class RefusingKeyring(MemoryKeyring):
    """One that fails at everything, and quotes the secret."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def get_password(self, service: str, username: str) -> str | None:
        raise self.error

    def set_password(self, service: str, username: str, password: str) -> None:
        raise self.error


class HangingKeyring(MemoryKeyring):
    """One that waits for somebody to unlock it."""

    def __init__(self) -> None:
        super().__init__()
        self.unlocked = threading.Event()
        self.asked = 0

    def get_password(self, service: str, username: str) -> str | None:
        self.asked += 1
        self.unlocked.wait()
        return super().get_password(service, username)


@pytest.fixture(autouse=True)
def _restored_keyring() -> Iterator[None]:
    before = keyring.get_keyring()
    keyring.set_keyring(fail.Keyring())  # type: ignore[no-untyped-call]
    yield
    keyring.set_keyring(before)


@pytest.fixture
def memory_keyring() -> MemoryKeyring:
    backend = MemoryKeyring()
    keyring.set_keyring(backend)
    return backend


@pytest.fixture
def hanging_keyring() -> Iterator[HangingKeyring]:
    backend = HangingKeyring()
    keyring.set_keyring(backend)
    yield backend
    backend.unlocked.set()
    for thread in threading.enumerate():
        if thread.name == "keyring":
            thread.join(60)


def test_local_secrets_come_back_and_are_nowhere_in_clear(workspace: Workspace) -> None:
    canary = "canary-4711-überraschung"
    workspace.secrets.store("api", canary)
    assert workspace.secrets.resolve("local:api") == canary
    workspace.secrets.store("api", canary + "2")
    assert workspace.secrets.resolve("local:api") == canary + "2"
    for file in workspace.folder.rglob("*"):
        if file.is_file():
            assert canary.encode() not in file.read_bytes()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no permission bits")
def test_the_key_of_local_secrets_is_private(workspace: Workspace) -> None:
    workspace.secrets.store("api", "x")
    assert stat.S_IMODE((workspace.folder / "secrets.key").stat().st_mode) == 0o600
    assert [file.name for file in workspace.folder.glob("secrets.key*")] == ["secrets.key"]


@pytest.mark.parametrize("reference", ["env:DTAAS_NOT_SET", "local:none", "hunter2", "keyring:x", "env:", ""])
def test_a_secret_that_is_not_there_is_said_without_repeating_what_was_typed(workspace: Workspace, reference: str) -> None:
    with pytest.raises(UserError) as refused:
        workspace.secrets.resolve(reference)
    assert "hunter2" not in str(refused.value)
    assert refused.value.remedy


def test_a_lost_key_is_said_and_not_silently_replaced(workspace: Workspace) -> None:
    workspace.secrets.store("api", "x")
    (workspace.folder / "secrets.key").unlink()
    with pytest.raises(UserError, match="missing"):
        workspace.secrets.resolve("local:api")
    workspace.secrets.store("other", "y")
    with pytest.raises(UserError, match="another one"):
        workspace.secrets.resolve("local:api")


def test_environment_secrets(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DTAAS_TEST_SECRET", "s3cret")
    assert workspace.secrets.resolve("env:DTAAS_TEST_SECRET") == "s3cret"


@pytest.mark.usefixtures("memory_keyring")
@pytest.mark.parametrize("where", ["keyring", "local", "file"])
def test_a_kept_secret_comes_back_until_it_is_forgotten(workspace: Workspace, where: str) -> None:
    secrets = workspace.secrets
    kept = secrets.keep(SECRET + "\n", name="Sales / password", where=where)  # type: ignore[arg-type]
    assert kept.startswith(f"{where}:")
    assert SECRET not in kept
    assert secrets.resolve(kept) == SECRET + "\n"
    again = secrets.keep("other", name="Sales / password", where=where)  # type: ignore[arg-type]
    assert (secrets.resolve(kept), secrets.resolve(again)) == (SECRET + "\n", "other")
    copied = secrets.copy(kept, name="Copy")
    secrets.forget(kept)
    assert secrets.resolve(copied) == SECRET + "\n"
    with pytest.raises(UserError):
        secrets.resolve(kept)
    secrets.forget(kept)


def test_what_others_stored_is_not_forgotten(
    workspace: Workspace, memory_keyring: MemoryKeyring, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DTAAS_TEST_SECRET", "a")
    workspace.secrets.store("api", "b")
    memory_keyring.entries[SERVICE, "mine"] = "c"
    file = tmp_path / "token"
    file.write_text("d\n")
    file.chmod(0o600)
    references = ("env:DTAAS_TEST_SECRET", "local:api", "keyring:mine", f"file:{file}")
    for reference in references:
        assert workspace.secrets.copy(reference, name="x") == reference
        workspace.secrets.forget(reference)
    assert [workspace.secrets.resolve(reference) for reference in references] == ["a", "b", "c", "d"]
    words = ["in the variable DTAAS_TEST_SECRET", "in this workspace", "in the keyring", f"in the file {file}"]
    assert [workspace.secrets.describe(reference) for reference in references] == words
    assert workspace.secrets.describe("") == "nowhere yet"
    assert workspace.secrets.describe("hunter2") == "nowhere yet"


def test_kept_secrets_are_nowhere_in_clear_but_in_their_private_file(workspace: Workspace, memory_keyring: MemoryKeyring) -> None:
    workspace.secrets.keep(SECRET, name="a", where="local")
    workspace.secrets.keep(SECRET, name="b", where="keyring")
    file = workspace.secrets.keep(SECRET, name="c", where="file").removeprefix("file:")
    holders = [path for path in workspace.folder.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]
    assert holders == [workspace.folder / file]
    assert list(memory_keyring.entries.values()) == [SECRET]
    if sys.platform != "win32":
        assert stat.S_IMODE(holders[0].stat().st_mode) == 0o600
        assert stat.S_IMODE(holders[0].parent.stat().st_mode) == 0o700


def test_files_of_secrets_are_read_from_the_folder_of_the_workspace(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    kept = workspace.secrets.keep(SECRET, name="../../etc/passwd", where="file")
    monkeypatch.chdir(tmp_path)
    assert workspace.secrets.resolve(kept) == SECRET
    assert (workspace.folder / kept.removeprefix("file:")).parent == workspace.folder / "secrets"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no permission bits")
@pytest.mark.parametrize("mode", [0o604, 0o660, 0o644, 0o620])
def test_a_file_that_others_can_read_is_refused(workspace: Workspace, tmp_path: Path, mode: int) -> None:
    file = tmp_path / "token"
    file.write_text(SECRET)
    file.chmod(mode)
    with pytest.raises(UserError, match="others may read it") as refused:
        workspace.secrets.resolve(f"file:{file}")
    assert refused.value.remedy == f"Make it private: chmod 600 {file}"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such pipes")
def test_a_pipe_is_refused_and_not_waited_for(workspace: Workspace, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(UserError, match="is not a file"):
        workspace.secrets.resolve(f"file:{tmp_path / 'pipe'}")


@pytest.mark.parametrize(
    ("content", "words"), [(b"", "is empty"), (b"\n", "is empty"), (b"\xff\xfe", "not text"), (b"x" * 70_000, "too large")]
)
def test_a_file_that_holds_no_secret_is_said(workspace: Workspace, tmp_path: Path, content: bytes, words: str) -> None:
    file = tmp_path / "token"
    file.write_bytes(content)
    file.chmod(0o600)
    with pytest.raises(UserError, match=words):
        workspace.secrets.resolve(f"file:{file}")


@pytest.mark.parametrize(("content", "secret"), [(b"a\n", "a"), (b"a\r\n", "a"), (b"a\n\n", "a\n"), (b" a ", " a ")])
def test_only_the_last_line_break_of_a_file_is_left_out(
    workspace: Workspace, tmp_path: Path, content: bytes, secret: str
) -> None:
    file = tmp_path / "token"
    file.write_bytes(content)
    file.chmod(0o600)
    assert workspace.secrets.resolve(f"file:{file}") == secret


def test_the_password_of_the_metadata_is_not_looked_for_in_the_metadata(tmp_path: Path, memory_keyring: MemoryKeyring) -> None:
    memory_keyring.entries[SERVICE, "db"] = SECRET
    assert resolve_without_metadata("keyring:db", tmp_path) == SECRET
    with pytest.raises(UserError, match="cannot be kept in that database"):
        resolve_without_metadata("local:db", tmp_path)


@pytest.mark.usefixtures("memory_keyring")
def test_a_keyring_that_works_is_called_so(workspace: Workspace) -> None:
    state = workspace.secrets.keyring_state()
    assert (state.usable, state.reason) == (True, "")
    assert "MemoryKeyring" in state.name
    with pytest.raises(UserError, match="no entry “none”"):
        workspace.secrets.resolve("keyring:none")


class PlaintextKeyring(MemoryKeyring):
    """As that of keyrings.alt, which keeps secrets in clear."""

    __module__ = "keyrings.alt.file"


class Chain(chainer.ChainerBackend):
    """A chain of given backends."""

    backends: list[KeyringBackend] = []  # noqa: RUF012  the library's own form


def chain_of(*backends: KeyringBackend) -> Chain:
    chain = Chain()  # type: ignore[no-untyped-call]
    vars(chain)["backends"] = list(backends)
    return chain


@pytest.mark.parametrize(
    "backends", [[fail.Keyring], [null.Keyring], [PlaintextKeyring], [chain_of], [PlaintextKeyring, null.Keyring]]
)
def test_a_keyring_that_keeps_nothing_or_in_clear_counts_as_missing(
    workspace: Workspace, backends: list[Callable[[], KeyringBackend]]
) -> None:
    made = [backend() for backend in backends]
    keyring.set_keyring(made[0] if len(made) == 1 else chain_of(*made))
    assert not workspace.secrets.keyring_state().usable
    with pytest.raises(UserError, match="no keyring that can be used") as refused:
        workspace.secrets.keep(SECRET, name="x", where="keyring")
    assert "encrypted in this workspace" in refused.value.remedy
    assert SECRET not in str(refused.value)


def test_of_a_chain_the_first_that_is_safe_is_used(workspace: Workspace) -> None:
    safe, plain = MemoryKeyring(), PlaintextKeyring()
    keyring.set_keyring(chain_of(plain, safe))
    kept = workspace.secrets.keep(SECRET, name="x", where="keyring")
    assert (list(safe.entries.values()), plain.entries) == ([SECRET], {})
    assert workspace.secrets.resolve(kept) == SECRET


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (KeyringLocked(SECRET), "is locked"),
        (PasswordSetError(SECRET), "gave an error .PasswordSetError"),
        (OSError(SECRET), "gave an error .OSError"),
    ],
)
def test_a_keyring_that_fails_is_said_without_its_own_words(workspace: Workspace, error: Exception, words: str) -> None:
    keyring.set_keyring(RefusingKeyring(error))
    with pytest.raises(UserError, match=words) as refused:
        workspace.secrets.keep(SECRET, name="x", where="keyring")
    assert SECRET not in str(refused.value)
    assert refused.value.remedy
    assert words.split()[-1].lstrip(".") in workspace.secrets.keyring_state().reason


def test_a_keyring_that_hangs_is_given_up_and_asked_by_one_thread_only(hanging_keyring: HangingKeyring) -> None:
    before = set(threading.enumerate())
    slow = Keyring(seconds=0.1)
    for _ in range(3):
        with pytest.raises(UserError, match=r"did not answer within 0\.1 seconds"):
            slow.read("x")
    assert not slow.state(0.05).usable
    assert hanging_keyring.asked == 1
    assert sum(thread.name == "keyring" for thread in set(threading.enumerate()) - before) == 1
    hanging_keyring.entries[SERVICE, "x"] = SECRET
    hanging_keyring.unlocked.set()
    assert Keyring(seconds=60).read("x") == SECRET
