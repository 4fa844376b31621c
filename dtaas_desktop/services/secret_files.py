"""Secrets in files: those that somebody put there (a container's, a service's), and private ones of the workspace."""

import os
import re
import stat
import sys
import uuid
from pathlib import Path

from dtaas_desktop.domain.errors import UserError

FOLDER = "secrets"
_MOST_BYTES = 65_536


class SecretFiles:
    """Paths are taken from the workspace's folder, so that it can be moved."""

    def __init__(self, workspace: Path) -> None:
        self._workspace = workspace

    def read(self, path: str) -> str:
        """The file's text without its last line break.

        Raises UserError if it cannot be read, is empty or too large, or may be read by others than its owner.
        """
        file = self._workspace / Path(path).expanduser()
        try:
            # Before it is opened: that would wait at a pipe.
            _refuse_unfit(file, file.stat())
            with file.open("rb") as opened:
                content = opened.read(_MOST_BYTES + 1)
            text = content.decode("utf-8")
        except OSError as error:
            raise UserError(
                f"The file {file}, which should hold a secret, cannot be read: {error.strerror}.", remedy="Check the path."
            ) from None
        except UnicodeDecodeError:
            raise UserError(
                f"The file {file}, which should hold a secret, is not text in UTF-8.", remedy="Check the path."
            ) from None
        if len(content) > _MOST_BYTES:
            raise UserError(f"The file {file} is too large to be a secret.", remedy="Check the path.")
        secret = text[:-2] if text.endswith("\r\n") else text.removesuffix("\n")
        if not secret:
            raise UserError(f"The file {file}, which should hold a secret, is empty.", remedy="Write the secret into it.")
        return secret

    def keep(self, secret: str, name: str) -> str:
        """Keep a secret in a new private file named after `name`; its path for `read`."""
        folder = self._workspace / FOLDER
        folder.mkdir(mode=0o700, exist_ok=True)
        legible = re.sub(r"[^\w.-]+", "-", name).strip("-.")[:60]
        file = folder / f"{legible or 'secret'}-{uuid.uuid4().hex[:8]}"
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(f"{secret}\n".encode())
        return f"{FOLDER}/{file.name}"

    def is_own(self, path: str) -> bool:
        """Whether `keep` made it."""
        return re.fullmatch(rf"{FOLDER}/[^/\\]+-[0-9a-f]{{8}}", path) is not None

    def remove(self, path: str) -> None:
        """Delete one of our own."""
        (self._workspace / path).unlink(missing_ok=True)


def _refuse_unfit(file: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise UserError(f"{file}, which should hold a secret, is not a file.", remedy="Check the path.")
    # As libpq does with keys: root may let a group read what it owns.
    others = 0o037 if found.st_uid == 0 else 0o077
    if sys.platform != "win32" and stat.S_IMODE(found.st_mode) & others:
        raise UserError(f"The file {file} holds a secret, and others may read it.", remedy=f"Make it private: chmod 600 {file}")
