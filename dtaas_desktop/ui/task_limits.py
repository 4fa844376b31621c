"""The advanced options of a task, as its form asks for them."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from dtaas_desktop.domain.table import CellPolicy, Misfit
from dtaas_desktop.domain.task import DriftPolicy, Reading, TaskOptions

MB = 1024 * 1024


class TaskLimits(BaseModel):
    """domain.task.TaskOptions without the transfer; sizes in MB."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    drift: DriftPolicy = Field(
        "evolve",
        title="When a source table gets another shape",
        json_schema_extra={
            "words": {
                "evolve": "Follow: add columns and widen types at the destination",
                "ignore": "Go on in the old shape",
                "pause": "Stop before anything is written",
            }
        },
    )
    reading: Reading = Field(
        "default",
        title="Reading",
        description="In one moment all tables belong together, and a run that was stopped starts again from the beginning.",
        json_schema_extra={
            "words": {
                "default": "As the source does best",
                "one moment": "All tables in one moment",
                "resumable": "Parts at different moments, so that a run can be resumed",
            }
        },
    )
    misfit: Misfit = Field(
        "fail",
        title="A value that does not fit its column",
        json_schema_extra={
            "words": {"fail": "Fails the table", "null": "Becomes NULL", "reject": "Sends its row to the rejected ones"},
        },
    )
    oversize: Literal["fail", "reject"] = Field(
        "fail",
        title="A value over the limit",
        json_schema_extra={"words": {"fail": "Fails the table", "reject": "Sends its row to the rejected ones"}, "row": "cell"},
    )
    limit_mb: float = Field(
        64, gt=0, le=2000, title="Limit of a value (MB)", description="A value is never cut.", json_schema_extra={"row": "cell"}
    )
    parallel: int = Field(
        0, ge=0, le=256, title="Parts at a time", description="0: as many as processors.", json_schema_extra={"row": "limits"}
    )
    memory_mb: int = Field(256, ge=1, le=1_000_000, title="Memory (MB)", json_schema_extra={"row": "limits"})
    retries: int = Field(3, ge=0, le=100, title="Tries after the first", json_schema_extra={"row": "limits"})


def limits_of(options: TaskOptions) -> TaskLimits:
    return TaskLimits(
        drift=options.drift,
        reading=options.reading,
        misfit=options.cells.misfit,
        oversize=options.cells.oversize,
        limit_mb=options.cells.limit / MB,
        parallel=options.parallel,
        memory_mb=max(1, options.memory // MB),
        retries=options.retries,
    )


def options_with(limits: TaskLimits, options: TaskOptions) -> TaskOptions:
    """These limits, and the transfer that `options` has."""
    return TaskOptions(
        transfer=options.transfer,
        drift=limits.drift,
        reading=limits.reading,
        cells=CellPolicy(limits.misfit, round(limits.limit_mb * MB), limits.oversize),
        parallel=limits.parallel,
        memory=limits.memory_mb * MB,
        retries=limits.retries,
    )
