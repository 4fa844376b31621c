"""The configured connections of a workspace."""

import json
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection as Transaction
from sqlalchemy import delete, insert, select, update

from dtaas_desktop.domain.connection import CONNECTION_KINDS, Connection
from dtaas_desktop.domain.design import Design, Node
from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.kinds import first_mistake
from dtaas_desktop.domain.secret_ref import secret_fields
from dtaas_desktop.domain.task_file import design_from_dict, design_to_dict
from dtaas_desktop.services import records
from dtaas_desktop.services.database import Database
from dtaas_desktop.services.locks import Locks
from dtaas_desktop.services.secrets import Secrets

_NAME_LENGTH = 200


class Connections:
    """Reads and changes them; each has a unique name. Secrets that no connection uses any more are forgotten."""

    def __init__(self, database: Database, secrets: Secrets, locks: Locks) -> None:
        self._database = database
        self._secrets = secrets
        self._locks = locks

    def all(self) -> dict[str, Connection]:
        """Every connection by its name."""
        with self._database.reading() as transaction:
            return _all(transaction)

    def save(self, saved: Connection) -> None:
        """Add it, or put it in the place of the one with its name. Raises UserError for settings that its kind refuses."""
        check_settings(saved)
        with self._database.writing() as transaction:
            before = _all(transaction).get(saved.name)
            transaction.execute(delete(records.connections).where(records.connections.c.name == saved.name))
            _insert(transaction, saved)
            unused = self._unused(transaction, () if before is None else _references(before))
        self._forget(unused)

    def rename(self, old: str, new: str) -> None:
        """Give a connection another name, also in the designs of all tasks.

        Raises UserError if there is none or the new name is taken, TransientError while a task that uses it is running.
        """
        _check_name(new)
        using = {row.uuid: row.name for row in self._users(old)}
        with self._locks.hold(using), self._database.writing() as transaction:
            known = _all(transaction)
            renamed = _existing(known, old)
            if new != old and new in known:
                raise _taken(new)
            table = records.connections
            transaction.execute(update(table).where(table.c.name == old).values(name=new))
            for row in _tasks_with(transaction, renamed.name):
                design = json.dumps(design_to_dict(_with_renamed(row.design, old, new)), ensure_ascii=False, allow_nan=False)
                changed = {"design": design, "changed_at": time.time()}
                transaction.execute(update(records.tasks).where(records.tasks.c.uuid == row.uuid).values(**changed))

    def duplicate(self, name: str) -> Connection:
        """Save a copy under a free name, with copies of the secrets that are its own; the copy.

        Raises UserError if there is no such connection, or a secret of it cannot be read.
        """
        known = self.all()
        original = _existing(known, name)
        number = 2
        while (free := f"{name[: _NAME_LENGTH - 6]} ({number})") in known:
            number += 1
        settings = dict(original.settings)
        for field in _secret_settings(original):
            settings[field] = self._secrets.copy(str(settings[field]), name=f"{free} {field}")
        copied = replace(original, name=free, settings=settings)
        check_settings(copied)
        with self._database.writing() as transaction:
            if free in _all(transaction):
                raise _taken(free)
            _insert(transaction, copied)
        return copied

    def used_by(self, name: str) -> list[str]:
        """The names of the tasks whose designs name this connection, in their order."""
        return [str(row.name) for row in self._users(name)]

    def delete(self, name: str) -> None:
        """Delete a connection and its own secrets. Raises UserError that names the tasks while it is used, or if there is none."""
        with self._database.writing() as transaction:
            deleted = _existing(_all(transaction), name)
            using = [f"“{row.name}”" for row in _tasks_with(transaction, name)]
            if using:
                tasks = f"the task {using[0]}" if len(using) == 1 else f"the tasks {', '.join(using[:-1])} and {using[-1]}"
                raise UserError(
                    f"Connection “{name}” is used by {tasks}.", remedy="Choose another connection there, or delete what uses it."
                )
            transaction.execute(delete(records.connections).where(records.connections.c.name == name))
            unused = self._unused(transaction, _references(deleted))
        self._forget(unused)

    def _users(self, name: str) -> list[Any]:
        with self._database.reading() as transaction:
            return _tasks_with(transaction, name)

    def _unused(self, transaction: Transaction, references: Collection[str]) -> frozenset[str]:
        """Those of the secrets that `keep` made and that no connection refers to now."""
        used = {reference for connection in _all(transaction).values() for reference in _references(connection)}
        return frozenset(reference for reference in references if self._secrets.is_own(reference) and reference not in used)

    def _forget(self, references: Collection[str]) -> None:
        # After the commit: a secret too many does no harm, one too few would. So a keyring that is locked is no reason to fail.
        for reference in references:
            with suppress(UserError):
                self._secrets.forget(reference)


def check_settings(connection: Connection) -> None:
    """Raise UserError if the connection's kind is unknown or refuses its settings, or its name cannot be kept."""
    _check_name(connection.name)
    kind = CONNECTION_KINDS.get(connection.kind)
    if kind is None:
        raise UserError(
            f"Connection “{connection.name}” has the unknown kind “{connection.kind}”.",
            remedy=f"Known kinds are: {', '.join(CONNECTION_KINDS)}.",
        )
    try:
        kind.settings.model_validate(connection.settings)
    except ValidationError as error:
        raise UserError(f"Connection “{connection.name}”: {first_mistake(error)}.", remedy="Correct its settings.") from None


def _check_name(name: str) -> None:
    if not name.strip():
        raise UserError("The connection has no name.", remedy="Give it one.")
    if len(name) > _NAME_LENGTH:
        raise UserError(f"The name of the connection is longer than {_NAME_LENGTH} characters.", remedy="Choose a shorter one.")


def _taken(name: str) -> UserError:
    return UserError(f"Another connection is already called “{name}”.", remedy="Choose another name.")


def _existing(known: Mapping[str, Connection], name: str) -> Connection:
    if name not in known:
        raise UserError(f"There is no connection “{name}”.", remedy="It was renamed or deleted meanwhile.")
    return known[name]


def _all(transaction: Transaction) -> dict[str, Connection]:
    rows = transaction.execute(select(records.connections)).all()
    found = (Connection(row.name, row.kind, json.loads(row.settings)) for row in rows)
    # Ordered here: each database has an order of its own for text.
    return {connection.name: connection for connection in sorted(found, key=lambda one: (one.name.casefold(), one.name))}


def _insert(transaction: Transaction, saved: Connection) -> None:
    settings = json.dumps(dict(saved.settings), ensure_ascii=False)
    transaction.execute(insert(records.connections).values(name=saved.name, kind=saved.kind, settings=settings))


def _secret_settings(connection: Connection) -> list[str]:
    """The settings of a connection that refer to secrets."""
    kind = CONNECTION_KINDS.get(connection.kind)
    fields = () if kind is None else secret_fields(kind.settings)
    return [field for field in fields if connection.settings.get(field)]


def _references(connection: Connection) -> list[str]:
    return [str(connection.settings[field]) for field in _secret_settings(connection)]


def _tasks_with(transaction: Transaction, name: str) -> list[Any]:
    """The rows of the tasks whose designs name this connection, by name."""
    rows = transaction.execute(select(records.tasks)).all()
    return sorted((row for row in rows if _names(row.design, name)), key=lambda row: (row.name.casefold(), row.name))


def _names(design: str, connection: str) -> bool:
    return any(_is_at(node, connection) for node in design_from_dict(json.loads(design)).nodes)


def _is_at(node: Node, connection: str) -> bool:
    return node.kind in ("source", "destination") and node.settings.get("connection") == connection


def _with_renamed(design: str, old: str, new: str) -> Design:
    before = design_from_dict(json.loads(design))
    nodes = tuple(
        replace(node, settings=dict(node.settings) | {"connection": new}) if _is_at(node, old) else node for node in before.nodes
    )
    return replace(before, nodes=nodes)
