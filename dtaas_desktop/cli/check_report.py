"""What a task would do, told before it does: problems, then each table with what will be read and written."""

import json

from dtaas_desktop.engine.survey import Survey, SurveyedRoute


def as_text(survey: Survey) -> str:
    """For people."""
    lines = [f"Task “{survey.task.name}”"]
    lines += [f"  {problem.severity}: {problem}" for problem in survey.problems]
    for table in survey.tables:
        rows = table.description.rows_estimate
        about = f"about {rows:,} rows" if rows is not None else "an unknown number of rows"
        lines.append(f"  {table.connection}/{table.description.table}: {len(table.description.columns)} columns, {about}")
        lines += [f"    → {run.target.connection}/{run.target.name}: {_intent(run)}" for run in table.routes]
    lines.append("  It can run." if not survey.errors else f"  It cannot run: {len(survey.errors)} to be mended.")
    return "\n".join(lines)


def as_json(survey: Survey) -> str:
    """For programs: one object."""
    return json.dumps(
        {
            "task": survey.task.name,
            "problems": [
                {"severity": p.severity, "message": p.message, "remedy": p.remedy, "node": p.node} for p in survey.problems
            ],
            "tables": [
                {
                    "connection": table.connection,
                    "table": str(table.description.table),
                    "rows_estimate": table.description.rows_estimate,
                    "targets": [
                        {
                            "connection": run.target.connection,
                            "target": run.target.name,
                            "intent": _intent(run),
                            "columns": {field.name: str(field.type) for field in run.target.schema},
                        }
                        for run in table.routes
                    ],
                }
                for table in survey.tables
            ],
        },
        ensure_ascii=False,
    )


def _intent(run: SurveyedRoute) -> str:
    columns = f"{len(run.target.schema)} columns"
    if run.state.revision == 0:
        return f"will be created, {columns}"
    if run.target.write_mode == "append":
        return f"rows will be added to revision {run.state.revision}, {columns}"
    return f"revision {run.state.revision} will be replaced, {columns}"
