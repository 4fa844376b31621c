"""Secrets in the metadata database, encrypted (Fernet) with a key that is a file of the workspace."""

import contextlib
import os
import uuid
from pathlib import Path

from sqlalchemy import delete, insert, select

from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.services import records
from dtaas_desktop.services.database import Database


class LocalSecrets:
    """Reads and changes them, by name."""

    def __init__(self, database: Database, key_file: Path) -> None:
        self._database = database
        self._key_file = key_file

    def write(self, name: str, secret: str) -> None:
        """Keep a secret, replacing an older one."""
        from cryptography.fernet import Fernet  # here: the window starts without it

        ciphertext = Fernet(self._key(make=True)).encrypt(secret.encode()).decode("ascii")
        with self._database.writing() as connection:
            connection.execute(delete(records.secrets).where(records.secrets.c.name == name))
            connection.execute(insert(records.secrets).values(name=name, ciphertext=ciphertext))

    def remove(self, name: str) -> None:
        with self._database.writing() as connection:
            connection.execute(delete(records.secrets).where(records.secrets.c.name == name))

    def read(self, name: str) -> str:
        """The secret of this name. Raises UserError if there is none, or the key is not the one it was encrypted with."""
        with self._database.reading() as connection:
            row = connection.execute(select(records.secrets.c.ciphertext).where(records.secrets.c.name == name)).first()
        if row is None:
            raise UserError(
                f"There is no local secret “{name}”.",
                remedy="Enter it again where it is used, or store the secret anew.",
            )
        from cryptography.fernet import Fernet, InvalidToken

        try:
            return Fernet(self._key(make=False)).decrypt(row[0].encode()).decode()
        except (InvalidToken, ValueError):
            raise UserError(
                f"The local secret “{name}” cannot be read: the key file {self._key_file} is another one.",
                remedy="Restore the key file, or store the secret anew.",
            ) from None

    def _key(self, *, make: bool) -> bytes:
        try:
            return self._key_file.read_bytes()
        except FileNotFoundError:
            if not make:
                raise UserError(
                    f"The key file {self._key_file} of the local secrets is missing.",
                    remedy="Restore it (where several machines share the metadata: copy it from the first), or store the secrets again.",
                ) from None
        from cryptography.fernet import Fernet

        # Private from its first moment, and put in place whole: whoever loses the race reads the winner's key.
        fresh = self._key_file.with_name(f"{self._key_file.name}.{uuid.uuid4().hex}")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(Fernet.generate_key())
        with contextlib.suppress(FileExistsError):
            os.link(fresh, self._key_file)
        fresh.unlink()
        return self._key_file.read_bytes()
