"""PRELOGIN and LOGIN7 (MS-TDS 2.2.6.5, 2.2.6.4), and who may come in."""

import struct
from dataclasses import dataclass, field

from tests.servers.sqlserver.catalogue import Catalogue, fold, password_hash
from tests.servers.sqlserver.errors import SqlError
from tests.servers.sqlserver.rights import Rights

OFF, ON, UNSUPPORTED, REQUIRED = 0, 1, 2, 3
VERSION_OPTION, ENCRYPTION, INSTANCE, THREAD, MARS, FEDERATED = 0, 1, 2, 3, 4, 6
TERMINATOR = 0xFF


def read_prelogin(data: bytes) -> dict[int, bytes]:
    found = {}
    at = 0
    while at < len(data) and data[at] != TERMINATOR:
        kind, offset, length = struct.unpack_from(">BHH", data, at)
        found[kind] = data[offset : offset + length]
        at += 5
    return found


def write_prelogin(options: dict[int, bytes]) -> bytes:
    head, body = b"", b""
    start = 5 * len(options) + 1
    for kind, value in options.items():
        head += struct.pack(">BHH", kind, start + len(body), len(value))
        body += value
    return head + bytes([TERMINATOR]) + body


def encryption_answer(mode: str, asked: int) -> int:
    """What the server says to a client's wish, by the table of 2.2.6.5; `mode` is the server's."""
    if mode == "unsupported":
        return UNSUPPORTED
    if asked == UNSUPPORTED:
        return REQUIRED if mode in {"on", "required"} else UNSUPPORTED
    if asked in {ON, REQUIRED}:
        return ON
    return {"optional": OFF, "on": ON, "required": REQUIRED}[mode]


@dataclass(frozen=True)
class Login:
    host: str
    user: str
    password: str
    program: str
    server: str
    interface: str
    database: str
    packet_size: int
    client_process: int
    read_only: bool
    integrated: bool
    federated: bool
    features: frozenset[int] = field(default_factory=frozenset)


def read_login(data: bytes) -> Login:
    version, packet_size, _, process = struct.unpack_from("<4I", data, 4)
    if version < 0x71000001:
        raise SqlError(17803, "The login packet is of a TDS version that this server does not speak.", severity=20)
    flags2, type_flags, flags3 = data[25], data[26], data[27]

    def part(number: int) -> bytes:
        offset, length = struct.unpack_from("<HH", data, 36 + 4 * number)
        return data[offset : offset + length * 2]

    def text(number: int) -> str:
        return part(number).decode("utf-16-le", "replace")

    password = bytes(((byte ^ 0xA5) << 4 & 0xF0) | ((byte ^ 0xA5) >> 4) for byte in part(2)).decode("utf-16-le", "replace")
    # The database's offset lies behind: host, user, password, program, server, extension, interface, language, database.
    features: frozenset[int] = frozenset()
    if flags3 & 0x10:
        offset, _ = struct.unpack_from("<HH", data, 36 + 4 * 5)
        features = _features(data, struct.unpack_from("<I", data, offset)[0])
    return Login(
        text(0), text(1), password, text(3), text(4), text(6), text(8), packet_size, process,
        read_only=bool(type_flags & 0x20), integrated=bool(flags2 & 0x80), federated=2 in features, features=features,
    )  # fmt: skip


def _features(data: bytes, at: int) -> frozenset[int]:
    found = set()
    while at < len(data) and data[at] != TERMINATOR:
        found.add(data[at])
        at += 5 + struct.unpack_from("<I", data, at + 1)[0]
    return frozenset(found)


def failed(user: str) -> SqlError:
    """The client sees state 1, whatever the reason: the log alone knows more."""
    return SqlError(18456, f"Login failed for user '{user}'.", severity=14)


def authenticate(catalogue: Catalogue, login: Login) -> tuple[Rights, str]:
    """The rights of the login and its default database; SqlError as SQL Server refuses it."""
    if login.integrated or login.federated:
        kind = "Windows" if login.integrated else "Microsoft Entra"
        raise SqlError(
            18452,
            f"Login failed. The login is from an untrusted domain and cannot be used with {kind} authentication.",
            severity=14,
        )
    row = catalogue.engine.one(
        "SELECT id, name, password, disabled, default_database, admin, expired, locked FROM c_login WHERE folded = ?",
        (fold(login.user),),
    )
    if row is None or row[2] != password_hash(login.password):
        raise failed(login.user)
    name = str(row[1])
    if row[7]:
        raise SqlError(
            18486,
            f"Login failed for user '{name}' because the account is currently locked out. The system administrator can unlock it.",
            severity=14,
        )
    if row[3]:
        raise SqlError(18470, f"Login failed for user '{name}'. Reason: The account is disabled.", severity=14)
    if row[6]:
        raise SqlError(
            18488, f"Login failed for user '{name}'.  Reason: The password of the account must be changed.", severity=14
        )
    return Rights(catalogue, int(row[0] or 0), name, bool(row[5])), str(row[4])


def no_database(name: str) -> SqlError:
    return SqlError(4060, f'Cannot open database "{name}" requested by the login. The login failed.', severity=11)
