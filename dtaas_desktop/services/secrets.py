"""Secrets are named by references: `env:NAME`, a variable of the environment; `local:NAME`, encrypted in the workspace."""

import contextlib
import os
import uuid
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken
from sqlalchemy import delete, insert, select

from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.services import records
from dtaas_desktop.services.database import Database


class Secrets:
    """Resolves references. No method puts a secret into a message."""

    def __init__(self, database: Database, key_file: Path) -> None:
        self._database = database
        self._key_file = key_file

    def resolve(self, reference: str) -> str:
        """The secret behind a reference. Raises UserError if there is none, or the reference is of no known form."""
        scheme, _, name = reference.partition(":")
        if scheme == "env" and name:
            value = os.environ.get(name)
            if not value:
                raise UserError(
                    f"The environment variable {name}, which should hold a secret, is not set.",
                    remedy="Set it and try again.",
                )
            return value
        if scheme == "local" and name:
            return self._decrypted(name)
        # The reference itself is not shown: it may be a secret typed into the wrong field.
        raise UserError(
            "A setting that should name a secret does not begin with env: or local:.",
            remedy="Write env:NAME or local:NAME there; store a local secret with --set-secret NAME.",
        )

    def store(self, name: str, secret: str) -> None:
        """Keep a secret as `local:NAME`, replacing an older one."""
        ciphertext = Fernet(self._key(make=True)).encrypt(secret.encode()).decode("ascii")
        with self._database.writing() as connection:
            connection.execute(delete(records.secrets).where(records.secrets.c.name == name))
            connection.execute(insert(records.secrets).values(name=name, ciphertext=ciphertext))

    def _decrypted(self, name: str) -> str:
        with self._database.reading() as connection:
            row = connection.execute(select(records.secrets.c.ciphertext).where(records.secrets.c.name == name)).first()
        if row is None:
            raise UserError(f"There is no local secret “{name}”.", remedy=f"Store it with --set-secret {name}.")
        try:
            return Fernet(self._key(make=False)).decrypt(row[0].encode()).decode()
        except (InvalidToken, ValueError):
            raise UserError(
                f"The local secret “{name}” cannot be read: the key file {self._key_file} is another one.",
                remedy=f"Restore the key file, or store the secret again with --set-secret {name}.",
            ) from None

    def _key(self, *, make: bool) -> bytes:
        try:
            return self._key_file.read_bytes()
        except FileNotFoundError:
            if not make:
                raise UserError(
                    f"The key file {self._key_file} of the local secrets is missing.",
                    remedy="Restore it, or store the secrets again.",
                ) from None
        # Private from its first moment, and put in place whole: whoever loses the race reads the winner's key.
        fresh = self._key_file.with_name(f"{self._key_file.name}.{uuid.uuid4().hex}")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(Fernet.generate_key())
        with contextlib.suppress(FileExistsError):
            os.link(fresh, self._key_file)
        fresh.unlink()
        return self._key_file.read_bytes()
