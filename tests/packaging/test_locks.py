"""The locks: complete, hashed, without addresses, and of one mind."""

import re
import tomllib
from collections.abc import Iterator

import pytest
from dev_environment import LOCKS, ROOT
from dev_locks import RECIPES, constraints

NAMES = [name for name, _, _ in RECIPES]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def text(lock: str) -> str:
    return (LOCKS / f"{lock}.txt").read_text("utf-8")


def entries(lock: str) -> Iterator[tuple[str, list[str]]]:
    """Each pinned line with the lines below that belong to it."""
    for block in re.split(r"\n(?=[a-z0-9])", text(lock)):
        head, *rest = block.splitlines()
        if not head.startswith("#"):
            yield head, rest


def versions(lock: str) -> dict[str, set[str]]:
    """Package → its versions; more than one where markers choose."""
    found: dict[str, set[str]] = {}
    for line in constraints([lock]):
        name, version = re.fullmatch(r"(\S+?)==(\S+).*", line).groups()  # type: ignore[union-attr]
        found.setdefault(name, set()).add(version)
    return found


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[^A-Za-z0-9._-]", requirement)[0].lower() for requirement in requirements}


def test_there_is_a_lock_for_each_recipe() -> None:
    assert sorted(path.stem for path in LOCKS.iterdir()) == sorted(NAMES)


@pytest.mark.parametrize("lock", NAMES)
def test_no_address_is_in_a_lock(lock: str) -> None:
    assert not re.search(r"://|--(extra-)?index-url|--find-links|--trusted-host|@ ", text(lock))


@pytest.mark.parametrize("lock", NAMES)
def test_every_package_is_pinned_and_hashed(lock: str) -> None:
    pinned = list(entries(lock))
    assert len(pinned) >= 9
    for head, rest in pinned:
        assert re.fullmatch(r"[a-z0-9-]+==[^\s;]+( ; .+)? \\", head), head
        hashes = [line for line in rest if "--hash" in line]
        assert hashes, head
        assert all(re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}( \\)?", line) for line in hashes), head


@pytest.mark.parametrize(("lock", "earlier"), [(name, other) for name, _, before in RECIPES for other in before])
def test_a_package_has_one_version_in_all_locks(lock: str, earlier: str) -> None:
    mine, theirs = versions(lock), versions(earlier)
    shared = mine.keys() & theirs.keys() - ({"duckdb"} if lock == "bench" else set())
    assert {name: mine[name] for name in shared} == {name: theirs[name] for name in shared}
    assert {"pyarrow", "adbc-driver-sqlite"} <= shared


@pytest.mark.parametrize("lock", ["app", "dev"])
def test_the_core_is_in_every_environment_of_the_product(lock: str) -> None:
    assert versions("core").keys() <= versions(lock).keys()


def test_each_lock_answers_what_the_project_asks_for() -> None:
    extras = PROJECT["project"]["optional-dependencies"]
    asked = {"core": PROJECT["project"]["dependencies"], **extras, "bench": PROJECT["dependency-groups"]["bench"]}
    for lock in NAMES:
        assert names(asked[lock]) <= versions(lock).keys(), lock


def test_the_peers_have_the_duckdb_that_their_scanner_was_made_for() -> None:
    assert versions("bench")["duckdb"] == versions("bench")["duckdb-extension-sqlite-scanner"] == {"1.5.5"}
