"""Steps that only choose, order and name columns: values pass by reference."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.ports import Applied, Lineage
from dtaas_desktop.domain.table import Misfit
from dtaas_desktop.domain.transform_settings import DropSettings, RenameSettings, SelectSettings
from dtaas_desktop.transforms.column_names import chosen, index_of, refuse_repeated
from dtaas_desktop.transforms.regexes import checked_replacement

_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Select:
    """Keeps the columns named, in that order, and the others after them if asked."""

    settings: SelectSettings
    on_bad: ClassVar[Misfit] = "fail"

    def output_schema(self, schema: pa.Schema) -> pa.Schema:
        return _kept_schema(schema, self._kept(schema))

    def lineage(self, schema: pa.Schema) -> Lineage:
        return _same_values({schema.names[i]: schema.names[i] for i in self._kept(schema)})

    def apply(self, rows: pa.RecordBatch) -> Applied:
        return Applied(_kept_columns(rows, self._kept(rows.schema)))

    def _kept(self, schema: pa.Schema) -> list[int]:
        wanted = list(chosen(schema, self.settings.columns))
        if self.settings.others:
            named = set(wanted)
            wanted += [name for name in schema.names if name not in named]
        return [index_of(schema, name) for name in wanted]


@dataclass(frozen=True, slots=True)
class Drop:
    """Leaves the columns named out."""

    settings: DropSettings
    on_bad: ClassVar[Misfit] = "fail"

    def output_schema(self, schema: pa.Schema) -> pa.Schema:
        return _kept_schema(schema, self._kept(schema))

    def lineage(self, schema: pa.Schema) -> Lineage:
        return _same_values({schema.names[i]: schema.names[i] for i in self._kept(schema)})

    def apply(self, rows: pa.RecordBatch) -> Applied:
        return Applied(_kept_columns(rows, self._kept(rows.schema)))

    def _kept(self, schema: pa.Schema) -> list[int]:
        dropped = chosen(schema, self.settings.columns)
        return [index for index, name in enumerate(schema.names) if name not in dropped]


@dataclass(frozen=True, slots=True)
class Rename:
    """Gives columns other names, all at once."""

    settings: RenameSettings
    on_bad: ClassVar[Misfit] = "fail"

    def __post_init__(self) -> None:
        if self.settings.rule == "regex":
            checked_replacement(self.settings.pattern, self.settings.replacement)

    def output_schema(self, schema: pa.Schema) -> pa.Schema:
        return pa.schema(
            [field.with_name(name) for field, name in zip(schema, self._names(schema), strict=True)], metadata=schema.metadata
        )

    def lineage(self, schema: pa.Schema) -> Lineage:
        return _same_values(dict(zip(self._names(schema), schema.names, strict=True)))

    def apply(self, rows: pa.RecordBatch) -> Applied:
        return Applied(pa.RecordBatch.from_arrays(rows.columns, schema=self.output_schema(rows.schema)))

    def _names(self, schema: pa.Schema) -> list[str]:
        for name in self.settings.names:
            index_of(schema, name)
        ruled = self._ruled(schema)
        names = [self.settings.names.get(name) or ruled.get(name, name) for name in schema.names]
        refuse_repeated(names)
        return names

    def _ruled(self, schema: pa.Schema) -> dict[str, str]:
        if self.settings.rule == "none":
            return {}
        columns = chosen(schema, self.settings.columns) if self.settings.columns else schema.names
        changed = {name: self._by_rule(name) for name in columns if name not in self.settings.names}
        for name, new in changed.items():
            if not new:
                raise UserError(f"The rule leaves nothing of the name “{name}”.", remedy="Give this column a name of its own.")
        return changed

    def _by_rule(self, name: str) -> str:
        settings = self.settings
        match settings.rule:
            case "upper":
                return name.upper()
            case "lower":
                return name.lower()
            case "snake":
                return _snake(name)
            case "prefix":
                return settings.text + name
            case "suffix":
                return name + settings.text
            case _:
                replaced = pc.replace_substring_regex(pa.scalar(name), pattern=settings.pattern, replacement=settings.replacement)
                return str(replaced.as_py())


def _snake(name: str) -> str:
    """HTTPServer → http_server, “Dep. delay” → dep_delay, v2Beta → v2_beta; a name without letters and digits stays."""
    words: list[str] = []
    for word in _WORD.findall(unicodedata.normalize("NFC", name)):
        start = 0
        for at in range(1, len(word)):
            after_small = word[at].isupper() and not word[at - 1].isupper()
            before_small = word[at].isupper() and word[at + 1 : at + 2].islower()
            if after_small or before_small:
                words.append(word[start:at])
                start = at
        words.append(word[start:])
    return "_".join(words).lower() or name


def _kept_schema(schema: pa.Schema, kept: list[int]) -> pa.Schema:
    if not kept:
        raise UserError("No column is left.", remedy="Keep at least one column.")
    return pa.schema([schema.field(i) for i in kept], metadata=schema.metadata)


def _kept_columns(rows: pa.RecordBatch, kept: list[int]) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([rows.column(i) for i in kept], schema=_kept_schema(rows.schema, kept))


def _same_values(origins: Mapping[str, str]) -> Lineage:
    return Lineage({output: (source,) for output, source in origins.items()}, frozenset(origins))
