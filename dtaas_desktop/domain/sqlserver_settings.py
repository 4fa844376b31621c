"""What describes a connection to SQL Server."""

import re
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from dtaas_desktop.domain.secret_ref import SecretRef

Login = Literal["sql", "windows", "entra service principal", "entra managed identity", "entra interactive"]
Encrypt = Literal["yes", "strict", "no"]
Isolation = Literal["read committed", "snapshot", "repeatable read"]
SevenDigits = Literal["microseconds", "nanoseconds", "text"]

# Keywords that have a setting of their own, or that would make the connection another one than it is taken for.
_OURS = frozenset(
    [
        "driver",
        "dsn",
        "filedsn",
        "savefile",
        "server",
        "addr",
        "address",
        "network",
        "database",
        "uid",
        "user",
        "pwd",
        "password",
        "trustedconnection",
        "authentication",
        "encrypt",
        "trustservercertificate",
        "hostnameincertificate",
        "servercertificate",
        "applicationintent",
        "app",
        "marsconnection",
        "quotedid",
        "ansinpw",
        "keepalive",
        "keepaliveinterval",
        "multisubnetfailover",
    ]
)
_WITH_USER = ("sql", "entra service principal", "entra managed identity", "entra interactive")
_WITH_PASSWORD = ("sql", "entra service principal")


class SqlServerSettings(BaseModel):
    """A SQL Server database: on premises, Azure SQL Database or Managed Instance."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    server: str = Field(
        min_length=1,
        title="Server",
        json_schema_extra={
            "row": "server",
            "stretch": 4,
            "placeholder": "sql.example.com",
            "tip": "Name or address of the machine; an instance has a field of its own.",
        },
    )
    port: int | None = Field(
        None,
        ge=1,
        le=65535,
        title="Port",
        json_schema_extra={
            "row": "server",
            "placeholder": "1433",
            "tip": "Empty: 1433; of a named instance the port that the SQL Server Browser service tells (UDP 1434).",
        },
    )
    database: str = Field(
        "",
        max_length=128,
        title="Database",
        json_schema_extra={
            "row": "database",
            "stretch": 2,
            "placeholder": "The login's own",
            "tip": "Empty: the login's default database. A database whose tables are to be read needs a connection of its own.",
        },
    )
    instance: str = Field(
        "",
        title="Instance",
        json_schema_extra={
            "row": "database",
            "placeholder": "None",
            "tip": "The name of a named instance, such as SQLEXPRESS; its port is asked from the SQL Server Browser service (UDP 1434).",
        },
    )
    login: Login = Field(
        "sql",
        title="Sign in with",
        json_schema_extra={
            "words": {
                "sql": "SQL Server login",
                "windows": "Windows account",
                "entra service principal": "Entra service principal",
                "entra managed identity": "Entra managed identity (untested)",
                "entra interactive": "Entra in a browser (untested; Windows only)",
            }
        },
    )
    user: str = Field(
        "",
        title="User",
        json_schema_extra={
            "row": "login",
            "stretch": 3,
            "when": {"login": list(_WITH_USER)},
            "titles": {
                "login": {
                    "entra service principal": "Client id",
                    "entra managed identity": "Client id (empty: the machine's own)",
                }
            },
        },
    )
    password: SecretRef = Field(
        "",
        title="Password",
        json_schema_extra={
            "secret": True,
            "row": "login",
            "stretch": 4,
            "when": {"login": list(_WITH_PASSWORD)},
            "titles": {"login": {"entra service principal": "Client secret"}},
        },
    )
    encrypt: Encrypt = Field(
        "yes",
        title="Encryption",
        json_schema_extra={
            "words": {
                "yes": "Yes: required",
                "strict": "Strict: from the first byte (SQL Server 2022, Azure)",
                "no": "No: rows and password travel in clear",
            },
            "tip": "Strict is TDS 8.0, which SQL Server 2022 and later and Azure know; it always checks the certificate.",
        },
    )
    trust_certificate: bool = Field(
        False,
        title="Trust any certificate",
        description="Without proof of who answers: only in a network that you trust.",
        json_schema_extra={"when": {"encrypt": "yes"}},
    )
    certificate_host: str = Field(
        "",
        title="Host name in the certificate",
        description="If it is another than the server's name here.",
        json_schema_extra={"advanced": True, "group": "Certificate", "when": {"encrypt": ["yes", "strict"]}},
    )
    server_certificate: str = Field(
        "",
        title="Server certificate file",
        description="PEM, DER or CER: the server's certificate must be exactly this one (driver 18.1 and later).",
        json_schema_extra={"advanced": True, "group": "Certificate", "when": {"encrypt": ["yes", "strict"]}, "path": "file"},
    )
    read_only: bool = Field(
        True,
        title="Read-only intent",
        description="Lets an availability group send the reading to a secondary replica.",
        json_schema_extra={"advanced": True, "group": "Replicas and locks"},
    )
    multi_subnet: bool = Field(
        False,
        title="Listener in several subnets",
        description="For an availability group's listener: all of its addresses are tried at once.",
        json_schema_extra={"advanced": True, "group": "Replicas and locks"},
    )
    isolation: Isolation = Field(
        "read committed",
        title="Isolation",
        description="Read committed disturbs writers least. Snapshot gives each part one moment, where the database allows it. "
        "Repeatable read keeps what was read locked until its part is done.",
        json_schema_extra={"advanced": True, "group": "Replicas and locks"},
    )
    seven_digits: SevenDigits = Field(
        "microseconds",
        title="datetime2(7) as",
        description="Microseconds hold every date but not the seventh digit; nanoseconds hold it between 1678 and 2262; text holds all.",
        json_schema_extra={"advanced": True, "group": "Values"},
    )
    offsets: bool = Field(
        True,
        title="Keep time zone offsets",
        description="Of a datetimeoffset column “t” the moment comes in UTC, and its offset in minutes as “t__offset”.",
        json_schema_extra={"advanced": True, "group": "Values"},
    )
    srids: bool = Field(
        True,
        title="Keep spatial reference ids",
        description="Of a geography or geometry column “g” the shape comes as WKB, and its SRID as “g__srid”.",
        json_schema_extra={"advanced": True, "group": "Values"},
    )
    variant_types: bool = Field(
        True,
        title="Keep the types of sql_variant",
        description="Of a sql_variant column “v” the value comes as text, and the name of its type as “v__type”.",
        json_schema_extra={"advanced": True, "group": "Values"},
    )
    lone_surrogates: Literal["replace", "misfit"] = Field(
        "replace",
        title="Halves of characters",
        description="nvarchar may hold half of a surrogate pair, which no UTF-8 text can.",
        json_schema_extra={
            "advanced": True,
            "group": "Values",
            "words": {"replace": "Replaced by �, and counted", "misfit": "Treated as the task treats cells that do not fit"},
        },
    )
    connect_seconds: int = Field(
        15, ge=1, le=600, title="Time to connect (s)", json_schema_extra={"advanced": True, "group": "Patience", "row": "times"}
    )
    lock_seconds: int = Field(
        60,
        ge=1,
        le=86_400,
        title="Patience with locks (s)",
        description="How long to wait for rows that somebody else is changing before the part is tried again.",
        json_schema_extra={"advanced": True, "group": "Patience", "row": "times"},
    )
    query_seconds: int = Field(
        0,
        ge=0,
        le=604_800,
        title="Longest wait for an answer (s)",
        description="How long a single answer may take; 0 is no limit.",
        json_schema_extra={"advanced": True, "group": "Patience", "row": "times"},
    )
    keep_alive_seconds: int = Field(
        30,
        ge=1,
        le=7200,
        title="Keep-alive (s)",
        description="An idle connection is checked this often, so that one that was cut is noticed.",
        json_schema_extra={"advanced": True, "group": "Patience", "row": "times"},
    )
    driver: str = Field(
        "",
        title="ODBC driver",
        description="Name or path of a driver. Empty: Microsoft's newest that is installed, else the one that came with the application, "
        "else FreeTDS.",
        json_schema_extra={"advanced": True, "group": "Driver"},
    )
    extra: str = Field(
        "",
        title="Extra keywords",
        description="Further keywords of the driver, as in a connection string: Name=value;Name={value with ; in it}.",
        json_schema_extra={"advanced": True, "group": "Driver", "placeholder": "Language=us_english"},
    )

    @field_validator("server")
    @classmethod
    def _one_server(cls, value: str) -> str:
        value = value.strip()
        if re.search(r"[^\w.:%-]", value):
            raise ValueError("write the name or address only; port and instance have fields of their own")
        return value

    @field_validator("instance")
    @classmethod
    def _one_instance(cls, value: str) -> str:
        if re.search(r"[^\w$#]", value):
            raise ValueError("write the name of the instance only")
        return value

    @field_validator("server", "instance", "database", "user", "certificate_host", "driver", "extra")
    @classmethod
    def _no_control_characters(cls, value: str) -> str:
        if re.search(r"[\x00-\x1f\x7f]", value):
            raise ValueError("it contains a line break or another control character")
        return value

    @field_validator("extra")
    @classmethod
    def _well_formed(cls, value: str) -> str:
        extra_keywords(value)
        return value

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.login in _WITH_PASSWORD and not self.user:
            raise ValueError("name the user to sign in with")
        if self.login in _WITH_PASSWORD and not self.password:
            raise ValueError("say where the password is kept")
        if self.encrypt == "strict" and self.trust_certificate:
            raise ValueError("strict encryption always checks the certificate: switch off “Trust any certificate”")
        return self


_KEYWORD = re.compile(r"\s*([^=;{}]+?)\s*=\s*(\{(?:[^}]|\}\})*\}|[^;{}]*)\s*(?:;|$)")


def extra_keywords(text: str) -> tuple[tuple[str, str], ...]:
    """Keywords and values of a piece of connection string, braces taken off. Raises ValueError for anything else, and for keywords
    that have a field of their own. No message repeats what was written: there might be a password in it."""
    found = []
    at = 0
    while text[at:].strip():
        match = _KEYWORD.match(text, at)
        if match is None:
            raise ValueError("write Name=value, with ; between")
        name, value = match[1], match[2]
        if re.sub(r"[\s_]", "", name.casefold()) in _OURS:
            raise ValueError(f"“{name}” has a field of its own")
        found.append((name, value[1:-1].replace("}}", "}") if value.startswith("{") else value.strip()))
        at = match.end()
    return tuple(found)
