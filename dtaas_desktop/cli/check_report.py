"""What a task would do, told before it does: problems, then each table with what will be read and written."""

import datetime
import json
from collections.abc import Mapping

from dtaas_desktop.cli import fidelity_report
from dtaas_desktop.domain.changes import Lag
from dtaas_desktop.domain.errors import AppError
from dtaas_desktop.engine.survey import Survey, SurveyedRoute

Lags = Mapping[tuple[str, str], Lag]  # by connection and target name


def as_text(survey: Survey, lags: Lags) -> str:
    """For people."""
    lines = [f"Task “{survey.task.name}”: {survey.task.options.transfer}"]
    told_below = fidelity_report.warnings_of(survey.tables)
    lines += [f"  {problem.severity}: {problem}" for problem in survey.problems if problem.message not in told_below]
    refused = 0
    for table in survey.tables:
        rows = table.description.rows_estimate
        about = f"about {rows:,} rows" if rows is not None else "an unknown number of rows"
        lines.append(f"  {table.connection}/{table.description.table}: {len(table.description.columns)} columns, {about}")
        for run in table.routes:
            refused += isinstance(run.due, AppError)
            lines.append(f"    → {run.target.connection}/{run.target.name}: {_intent(run)}")
            lines += [f"      drift: {finding}" for finding in run.drift.findings]
            lag = lags.get((run.target.connection, run.target.name))
            if lag is not None:
                lines.append(f"      {lag_words(lag)}")
    lines += fidelity_report.as_lines(survey.tables)
    against = len(survey.errors) + refused
    lines.append("  It can run." if not against else f"  {against} to be mended before all of it can run.")
    return "\n".join(lines)


def as_json(survey: Survey, lags: Lags) -> str:
    """For programs: one object."""
    return json.dumps(
        {
            "task": survey.task.name,
            "transfer": survey.task.options.transfer,
            "problems": [
                {"severity": p.severity, "message": p.message, "remedy": p.remedy, "node": p.node} for p in survey.problems
            ],
            "tables": [
                {
                    "connection": table.connection,
                    "table": str(table.description.table),
                    "rows_estimate": table.description.rows_estimate,
                    "fidelity": fidelity_report.as_values(table.description.fidelity),
                    "targets": [_target(run, lags.get((run.target.connection, run.target.name))) for run in table.routes],
                }
                for table in survey.tables
            ],
        },
        ensure_ascii=False,
    )


def lag_words(lag: Lag) -> str:
    """What waits, for people."""
    if lag.changes == 0:
        return "up to date: nothing waits"
    many = "changes wait" if lag.changes is None else f"{lag.changes:,} change{'s wait' if lag.changes != 1 else ' waits'}"
    if lag.oldest is None:
        return many
    since = datetime.datetime.fromtimestamp(lag.oldest, datetime.UTC)
    return f"{many}, the oldest since {since:%Y-%m-%d %H:%M:%S} UTC"


def _target(run: SurveyedRoute, lag: Lag | None) -> dict[str, object]:
    refused = run.due if isinstance(run.due, AppError) else None
    return {
        "connection": run.target.connection,
        "target": run.target.name,
        "write_mode": run.target.write_mode,
        "intent": _intent(run),
        "refused": None if refused is None else {"message": refused.message, "remedy": refused.remedy},
        "columns": {field.name: str(field.type) for field in run.target.schema},
        "key": list(run.target.key),
        "position": run.state.position,
        "drift": [{"what": f.what, "column": f.column, "detail": f.detail, "action": f.action} for f in run.drift.findings],
        "lag": None if lag is None else {"changes": lag.changes, "oldest": lag.oldest},
    }


def _intent(run: SurveyedRoute) -> str:
    if isinstance(run.due, AppError):
        return f"cannot be written: {run.due}"
    columns = f"{len(run.target.schema)} columns"
    if run.due == "changes":
        what = "begins with the changes from now on" if run.state.position is None else "changes will be applied"
        return f"{what} ({run.target.write_mode}), {columns}"
    again = f" (read again: {run.drift.reload})" if run.drift.reload else ""
    if run.state.revision == 0:
        return f"will be created{again}, {columns}"
    if run.target.write_mode in ("append", "history"):
        return f"rows will be added to revision {run.state.revision}{again}, {columns}"
    return f"revision {run.state.revision} will be replaced{again}, {columns}"
