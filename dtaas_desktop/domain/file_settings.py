"""How a file destination writes: format, compression, layout, sizes. One model drives forms, validation, help and JSON."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class PartitionBy(BaseModel):
    """One level of a hive layout: a column's value, or a part of its date."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    column: str = Field(min_length=1, title="Column")
    unit: Literal["value", "year", "month", "day", "hour"] = Field(
        "value", title="Unit", description="The column's value itself, or a part of its date."
    )
    name: str = Field("", title="Folder name", description="The name before “=”; empty: the column's name, or the unit's.")

    @property
    def folder(self) -> str:
        return self.name or (self.column if self.unit == "value" else self.unit)


class FileSettings(BaseModel):
    """Settings of files in a folder (or, later, a bucket)."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    format: Literal["parquet", "csv", "json"] = Field(
        "parquet",
        title="Format",
        json_schema_extra={"words": {"parquet": "Parquet", "csv": "CSV", "json": "JSON"}, "row": "format"},
    )
    compression: Literal["default", "none", "gzip", "zstd", "snappy"] = Field(
        "default",
        title="Compression",
        description="Default: zstd inside Parquet, none for CSV and JSON. Snappy is for Parquet only.",
        json_schema_extra={"row": "format"},
    )
    json_style: Literal["lines", "array"] = Field(
        "lines",
        title="JSON style",
        description="One object a line, or one array.",
        json_schema_extra={"when": {"format": "json"}},
    )
    json_floats: Literal["number", "text"] = Field(
        "number",
        title="Fractional numbers in JSON",
        description="JSON has no NaN or infinity: as numbers, they are written as the texts “NaN”, “Infinity”, “-Infinity”; "
        "as text, every fractional number is a text, which strict readers need.",
        json_schema_extra={"when": {"format": "json"}},
    )
    layout: Literal["flat", "hive"] = Field("flat", title="Layout")
    partition_by: tuple[PartitionBy, ...] = Field(
        (), title="Partition by", description="Levels of the hive layout, outermost first."
    )
    file_size_mb: float = Field(50, gt=0, le=4096, title="Target file size (MB)")

    @model_validator(mode="after")
    def _consistent(self) -> "FileSettings":
        if self.compression == "snappy" and self.format != "parquet":
            raise ValueError("snappy is for Parquet only; choose gzip, zstd or none")
        if (self.layout == "hive") != bool(self.partition_by):
            raise ValueError("the hive layout needs at least one column in “Partition by”, the flat layout none")
        folders = [level.folder.casefold() for level in self.partition_by]
        if len(set(folders)) != len(folders):
            raise ValueError("two levels of “Partition by” have the same folder name")
        return self
