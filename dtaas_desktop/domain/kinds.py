"""What can be dropped on the canvas: each kind's ports, the model of its settings, and its words."""

from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from dtaas_desktop.domain.changes import WriteMode
from dtaas_desktop.domain.design import Node
from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.file_settings import FileSettings
from dtaas_desktop.domain.target import Deletes
from dtaas_desktop.domain.transform_settings import (
    AddColumnSettings,
    ApplySettings,
    CastSettings,
    ConcatenateSettings,
    DropSettings,
    FilterSettings,
    RenameSettings,
    ReplaceSettings,
    SelectSettings,
    SplitSettings,
)


class NamedQuery(BaseModel):
    """A SELECT of the user's, read like a table of this name."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    name: str = Field(min_length=1, title="Name")
    sql: str = Field(min_length=1, title="Query", description="One SELECT statement in the source's own SQL.")


class SourceSettings(BaseModel):
    """Which tables of which connection flow from this node."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    connection: str = Field(min_length=1, title="Connection")
    tables: tuple[str, ...] = Field(
        (), title="Tables", description="Names, or patterns with * and ?; “schema.table” where the system has schemas."
    )
    exclude: tuple[str, ...] = Field((), title="Except", description="Names or patterns to leave out.")
    queries: tuple[NamedQuery, ...] = Field((), title="Queries")
    follow_column: str = Field(
        "",
        title="Column that grows",
        description="For incremental tasks: a rowversion, a date or a number of every table here; rows with a later value are new. "
        "Deleted rows are not seen, nor rows that are changed without it.",
    )
    look_back: float = Field(
        0,
        ge=0,
        title="Look back",
        description="How far behind the last value to read again, for rows that arrive late: hours for dates, units for numbers.",
    )

    @model_validator(mode="after")
    def _something(self) -> "SourceSettings":
        if not self.tables and not self.queries:
            raise ValueError("name at least one table, pattern or query")
        return self


class DestinationSettings(BaseModel):
    """Where the rows go and how they are put there."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    connection: str = Field(min_length=1, title="Connection")
    name: str = Field(
        "{table}",
        min_length=1,
        title="Name",
        description="The target's name; {table}, {schema}, {connection}, {task} are filled in.",
    )
    write_mode: WriteMode = Field(
        "replace",
        title="Write mode",
        description="Replace swaps old rows for new in one act; append adds one set a run. Mirror keeps the target equal to the source by "
        "key (in folders: as change files with the net effect of each turn); history adds every change with what, when and in which order.",
    )
    deletes: Deletes = Field(
        "hard",
        title="Deleted rows",
        description="Of a mirror in a database: removed (hard), or kept with the moment in __deleted_at (soft).",
        json_schema_extra={"words": {"hard": "Removed", "soft": "Kept and marked"}},
    )
    publish_seconds: float | None = Field(
        None,
        ge=0,
        le=86_400,
        title="Publish every (s)",
        description="How long changes may be gathered; 0: at once. Empty: at once in databases, every 60 seconds in folders.",
        json_schema_extra={"row": "publish"},
    )
    publish_mb: float | None = Field(
        None,
        gt=0,
        title="Publish every (MB)",
        description="Publish sooner when about this much has gathered.",
        json_schema_extra={"row": "publish"},
    )
    files: FileSettings = Field(default_factory=FileSettings, title="Files")


Category = Literal["source", "transformation", "destination"]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of node. `inputs` and `outputs` say whether links may end or start at it."""

    name: str
    title: str
    category: Category
    settings: type[BaseModel]
    description: str

    @property
    def inputs(self) -> bool:
        return self.category != "source"

    @property
    def outputs(self) -> bool:
        return self.category != "destination"


_ALL = (
    Kind("source", "Source", "source", SourceSettings, "Reads tables or queries of a connection."),
    Kind(
        "add_column",
        "Add column",
        "transformation",
        AddColumnSettings,
        "Adds a constant, or what an expression gives for each row.",
    ),
    Kind("rename", "Rename", "transformation", RenameSettings, "Gives columns other names, one by one or by a rule."),
    Kind("drop", "Drop", "transformation", DropSettings, "Leaves columns out."),
    Kind("select", "Select", "transformation", SelectSettings, "Keeps some columns, in the order wanted."),
    Kind(
        "cast",
        "Cast",
        "transformation",
        CastSettings,
        "Gives columns another type; a value that does not fit is never bent silently.",
    ),
    Kind("filter", "Filter rows", "transformation", FilterSettings, "Keeps the rows that match conditions or an expression."),
    Kind(
        "replace",
        "Replace value",
        "transformation",
        ReplaceSettings,
        "Puts other values in the place of some, whole or within texts.",
    ),
    Kind("concatenate", "Concatenate", "transformation", ConcatenateSettings, "Makes one text out of several columns."),
    Kind("split", "Split", "transformation", SplitSettings, "Makes several columns out of one text."),
    Kind(
        "apply",
        "Apply function",
        "transformation",
        ApplySettings,
        "Trims, rounds, masks, takes parts of dates and more, column by column.",
    ),
    Kind("destination", "Destination", "destination", DestinationSettings, "Writes tables to a connection."),
)

KINDS: dict[str, Kind] = {kind.name: kind for kind in _ALL}


def settings_of(node: Node) -> BaseModel:
    """The node's settings, checked against its kind's model.

    Raises UserError naming the node, the setting and what is wrong with it.
    """
    kind = KINDS.get(node.kind)
    if kind is None:
        raise UserError(
            f"Node “{node.id}” has the unknown kind “{node.kind}”.",
            remedy="Update the application, or remove the node.",
        )
    try:
        return kind.settings.model_validate(node.settings)
    except ValidationError as error:
        raise UserError(
            f"{kind.title} “{node.title or node.id}”: {first_mistake(error)}.", remedy="Correct the setting."
        ) from None


def first_mistake(error: ValidationError) -> str:
    """The first of pydantic's findings, as one clause: where, and what is wrong."""
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    what = str(first["msg"]).removeprefix("Value error, ")
    what = what[:1].lower() + what[1:]
    return f"{where}: {what}" if where else what
