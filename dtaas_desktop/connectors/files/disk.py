"""What the publish protocol needs of a file system: durable files, creation that never replaces, folders without links."""

import ctypes
import ctypes.util
import errno
import hashlib
import os
import shutil
import stat
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from dtaas_desktop.domain.errors import TransientError, UserError
from dtaas_desktop.domain.target import StagedFile

# A hard link is not to be had here: FAT, some network shares and FUSE file systems.
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EINVAL, errno.EACCES}
_RENAME_NOREPLACE = 1
_AT_FDCWD = -100
_RACES = 20


def sync_file(path: Path) -> None:
    """The file's bytes survive a power cut from here on."""
    handle = os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0))
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_folder(path: Path) -> None:
    """The folder's list of names survives a power cut from here on. Windows has no such call and does it by itself."""
    if os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network file systems cannot, and need not
            raise
    finally:
        os.close(handle)


def write_durably(path: Path, data: bytes) -> None:
    """Make the file anew with these bytes, durable on return."""
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def create_new(path: Path, data: bytes, *, scratch: Path) -> bool:
    """Create `path` whole and durable; False if it exists already. Of any number of racers exactly one gets True.

    The bytes are finished in `scratch` (same file system) first, so nobody ever sees half of them.
    """
    write_durably(scratch, data)
    try:
        _place_new(scratch, path)
    except FileExistsError:
        return False
    finally:
        scratch.unlink(missing_ok=True)
    sync_folder(path.parent)
    return True


def replace(path: Path, data: bytes, *, scratch: Path) -> None:
    """Put a file with these bytes in the place of `path` in one act."""
    write_durably(scratch, data)
    os.replace(scratch, path)
    sync_folder(path.parent)


def _place_new(scratch: Path, path: Path) -> None:
    """Give `scratch` the name `path`, or FileExistsError. OSError (ENOTSUP) where the file system can do it in no way."""
    try:
        os.link(scratch, path)
    except FileExistsError:
        raise
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        _rename_new(scratch, path)


def _rename_new(scratch: Path, path: Path) -> None:
    if os.name == "nt":
        os.rename(scratch, path)  # never replaces there
        return
    call = (
        getattr(ctypes.CDLL(ctypes.util.find_library("c"), use_errno=True), "renameat2", None)
        if sys.platform == "linux"
        else None
    )
    if call is None:
        raise OSError(errno.ENOTSUP, "this file system has neither hard links nor a rename that does not replace", str(path))
    if call(_AT_FDCWD, os.fsencode(scratch), _AT_FDCWD, os.fsencode(path), _RENAME_NOREPLACE) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(path))


def make_folders(root: Path, relative: str) -> Path:
    """Make the folders of `relative` below `root`, durably; symbolic links among them are refused, never followed."""
    for _ in range(_RACES):
        try:
            return _made(root, relative.split("/"))
        except FileNotFoundError:  # somebody pruned an empty one just now
            if not root.is_dir():
                raise
    raise TransientError(f"“{root / relative}” is removed again and again by another program.")


def _made(root: Path, names: Sequence[str]) -> Path:
    here = root
    for name in names:
        parent, here = here, here / name
        if here.is_symlink():
            raise UserError(
                f"“{here}” is a symbolic link; rows are not written through links.",
                remedy="Replace it by a real folder, or choose another name.",
            )
        try:
            here.mkdir()
        except FileExistsError:
            # One look: between two, another table's cleaning may have removed the empty folder.
            if not stat.S_ISDIR(here.lstat().st_mode):
                raise UserError(
                    f"“{here}” is a file, where a folder should be.", remedy="Move it away, or choose another name."
                ) from None
        else:
            sync_folder(parent)
    return here


def prune(root: Path, relative: str) -> None:
    """Remove the folder `relative` and those above it, up to but without `root`, as far as they are empty."""
    names = relative.split("/")
    for length in range(len(names), 0, -1):
        try:
            (root / "/".join(names[:length])).rmdir()
        except FileNotFoundError:
            continue
        except OSError:
            return  # not empty (or somebody is in it): everything above is not empty either


def remove_files(root: Path, relatives: Iterable[str], *, keep: str) -> None:
    """Remove the files, gone ones included, and the folders that become empty by it; folder `keep` stays."""
    folders: set[str] = set()
    for relative in relatives:
        (root / relative).unlink(missing_ok=True)
        folders.add(relative.rpartition("/")[0])
    for folder in sorted(folders, reverse=True):
        if folder == keep:
            continue
        if folder.startswith(f"{keep}/"):
            prune(root / keep, folder.removeprefix(f"{keep}/"))
        else:
            prune(root, folder)


def remove_tree(root: Path, relative: str) -> None:
    """Remove a folder with all that is in it, and the folders above that become empty."""
    path = root / relative
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    prune(root, relative)


def digest(path: Path) -> tuple[int, str]:
    """Size and SHA-256 of a file as it is on the disk now."""
    with path.open("rb") as file:
        checksum = hashlib.file_digest(file, "sha256").hexdigest()
        return file.tell(), checksum


def unharmed(root: Path, file: StagedFile) -> bool:
    """Whether a staged file is exactly as it was when it was finished."""
    try:
        return digest(root / file.staged) == (file.bytes, file.sha256)
    except (FileNotFoundError, NotADirectoryError):
        return False


def last_change(path: Path) -> float:
    """When anything in the tree was last changed, in seconds since the epoch; 0 if it is gone."""
    newest = 0.0
    for folder, _, files in os.walk(path):
        for name in (".", *files):
            try:
                newest = max(newest, os.lstat(os.path.join(folder, name)).st_mtime)
            except FileNotFoundError:
                continue
    return newest
