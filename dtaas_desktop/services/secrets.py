"""Secrets are named by references (`domain.secret_ref`) and kept outside of all settings:

env:NAME       a variable of the environment
file:PATH      a file that holds nothing else; paths are taken from the workspace's folder
keyring:NAME   the keyring of the system
local:NAME     encrypted in the workspace
"""

import os
import uuid
from pathlib import Path

from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.secret_ref import FORMS, SecretStore, scheme_and_name
from dtaas_desktop.services.database import Database
from dtaas_desktop.services.keyring_store import SERVICE, Keyring, KeyringState
from dtaas_desktop.services.local_secrets import LocalSecrets
from dtaas_desktop.services.secret_files import SecretFiles

_KEPT = "kept/"  # begins the names of local secrets that `keep` made


class Secrets:
    """Resolves references and keeps secrets. No method puts a secret into a message."""

    def __init__(self, database: Database, folder: Path, workspace: str) -> None:
        """`folder` and `workspace` are the workspace's folder and id."""
        self._local = LocalSecrets(database, folder / "secrets.key")
        self._files = SecretFiles(folder)
        self._keyring = Keyring()
        self._folder = folder
        self._workspace = workspace

    def resolve(self, reference: str) -> str:
        """The secret behind a reference. Raises UserError if there is none, or the reference is of no known form."""
        match scheme_and_name(reference):
            case ("local", name):
                return self._local.read(name)
            case _:
                return _resolved(reference, self._files, self._keyring)

    def store(self, name: str, secret: str) -> None:
        """Keep a secret as `local:NAME`, replacing an older one."""
        self._local.write(name, secret)

    def keep(self, secret: str, *, name: str, where: SecretStore) -> str:
        """Keep a secret that was typed in; the reference to it, which is a new one each time.

        `name` is for people who look into the store. A secret that is replaced stays until it is forgotten, so that giving up a change
        loses nothing; `Connections` forgets those that its connections no longer use.
        """
        fresh = f"{name[:100]} {uuid.uuid4().hex[:8]}"
        if where == "file":
            return f"file:{self._files.keep(secret, name)}"
        if where == "keyring":
            # A keyring serves all workspaces of a user.
            entry = f"{self._workspace}/{fresh}"
            self._keyring.write(entry, secret)
            return f"keyring:{entry}"
        self._local.write(f"{_KEPT}{fresh}", secret)
        return f"local:{_KEPT}{fresh}"

    def copy(self, reference: str, *, name: str) -> str:
        """A reference to a copy of a secret that `keep` made; any other reference as it is."""
        match scheme_and_name(reference):
            case (("keyring" | "local" | "file") as where, _) if self.is_own(reference):
                return self.keep(self.resolve(reference), name=name, where=where)
            case _:
                return reference

    def is_own(self, reference: str) -> bool:
        """Whether `keep` made it, here: what somebody stored by hand may be used elsewhere."""
        match scheme_and_name(reference):
            case ("local", name):
                return name.startswith(_KEPT)
            case ("keyring", name):
                return name.startswith(f"{self._workspace}/")
            case ("file", path):
                return self._files.is_own(path)
            case _:
                return False

    def forget(self, reference: str) -> None:
        """Delete a secret that `keep` made; does nothing to others. Raises UserError if the keyring cannot be used."""
        if not self.is_own(reference):
            return
        scheme, _, name = reference.partition(":")
        if scheme == "local":
            self._local.remove(name)
        elif scheme == "keyring":
            self._keyring.remove(name)
        else:
            self._files.remove(name)

    def describe(self, reference: str) -> str:
        """Where a secret is, in words that follow “It is kept”."""
        match scheme_and_name(reference):
            case ("env", name):
                return f"in the variable {name}"
            case ("file", path):
                return f"in the file {self._folder / Path(path).expanduser()}"
            case ("keyring", _):
                return "in the keyring"
            case ("local", _):
                return "in this workspace"
            case _:
                return "nowhere yet"

    def keyring_state(self, timeout_seconds: float = 3) -> KeyringState:
        """Whether the keyring can be used; takes at most this long."""
        return self._keyring.state(timeout_seconds)


def resolve_without_metadata(reference: str, folder: Path) -> str:
    """The secret behind a reference that the metadata database itself is opened with. Raises UserError as `Secrets.resolve`."""
    match scheme_and_name(reference):
        case ("local", _):
            raise UserError(
                "The password of the metadata database cannot be kept in that database.",
                remedy="Name it as env:NAME, file:PATH or keyring:NAME.",
            )
        case _:
            return _resolved(reference, SecretFiles(folder), Keyring())


def _resolved(reference: str, files: SecretFiles, keyring: Keyring) -> str:
    match scheme_and_name(reference):
        case ("env", name):
            value = os.environ.get(name)
            if not value:
                raise UserError(
                    f"The environment variable {name}, which should hold a secret, is not set.", remedy="Set it and try again."
                )
            return value
        case ("file", path):
            return files.read(path)
        case ("keyring", name):
            secret = keyring.read(name)
            if secret is None:
                raise UserError(
                    f"The keyring has no entry “{name}” of “{SERVICE}”.",
                    remedy=f'Enter the secret again where it is used, or store it: keyring set "{SERVICE}" "{name}"',
                )
            return secret
        case _:
            # The reference itself is not shown: it may be a secret typed into the wrong field.
            raise UserError(
                "A setting that should name a secret holds something else.",
                remedy=f"Write {FORMS}; store a local secret before it is named.",
            )
