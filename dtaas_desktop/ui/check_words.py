"""What a look at a task found, in words: what stands in the way, and for each table what would happen. Nothing of Qt."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from dtaas_desktop.domain.changes import Lag
from dtaas_desktop.domain.errors import AppError
from dtaas_desktop.domain.fidelity import companions, losses
from dtaas_desktop.engine.survey import Survey, SurveyedRoute
from dtaas_desktop.ui.fidelity_words import is_exact, summary
from dtaas_desktop.ui.tokens import Tone
from dtaas_desktop.ui.words import duration, exact

Lags = Mapping[tuple[str, str], Lag]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing said: a heading, what it means, how grave it is."""

    heading: str
    text: str
    tone: Tone


@dataclass(frozen=True, slots=True)
class TableIntent:
    """What would happen to one table on one route. `notes` are about drift and what waits; `arrives` tells how truly its columns
    arrive, `losses` what is lost.
    """

    table: str
    target: str
    intent: str
    refused: str
    notes: tuple[str, ...]
    arrives: str = ""
    losses: tuple[str, ...] = ()
    companions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CheckReport:
    verdict: Finding
    findings: tuple[Finding, ...]
    tables: tuple[TableIntent, ...]
    foreign: tuple[str, ...]  # targets that hold something of somebody else


def report_of(survey: Survey, lags: Lags) -> CheckReport:
    """In the order of the survey, what forbids the run first."""
    with_its_table = {
        f"Table {table.description.table}: {loss}" for table in survey.tables for loss in losses(table.description.fidelity)
    }
    findings = tuple(
        Finding(problem.message, problem.remedy, "red" if problem.severity == "error" else "amber")
        for problem in sorted(survey.problems, key=lambda problem: problem.severity != "error")
        if problem.message not in with_its_table
    )
    tables = []
    foreign = []
    for table in survey.tables:
        rows = table.description.rows_estimate
        about = f"about {exact(rows)} rows" if rows is not None else "size unknown"
        for run in table.routes:
            tables.append(
                TableIntent(
                    f"{table.description.table}",
                    f"{run.target.connection} / {run.target.name}",
                    f"{_intent(run)} {about[:1].upper()}{about[1:]}, {len(run.target.schema)} columns.",
                    str(run.due) if isinstance(run.due, AppError) else "",
                    (*(_sentence(str(finding)) for finding in run.drift.findings), *_waiting(run, lags)),
                    "" if is_exact(table.description.fidelity) else summary(table.description.fidelity),
                    losses(table.description.fidelity),
                    companions(table.description.fidelity),
                )
            )
            if run.state.foreign or (run.state.owner is not None and run.state.owner != run.target.owner):
                foreign.append(run.target.name)
    against = len(survey.errors) + sum(1 for table in tables if table.refused)
    return CheckReport(_verdict(against, len(tables), _exactness(survey)), findings, tuple(tables), tuple(foreign))


def lag_words(lag: Lag) -> str:
    """What waits at the source for a target."""
    if lag.changes == 0:
        return "Up to date: nothing waits."
    many = "Changes wait" if lag.changes is None else f"{lag.changes:,} change{'s wait' if lag.changes != 1 else ' waits'}"
    return f"{many}." if lag.oldest is None else f"{many}, the oldest for {duration(max(0.0, time.time() - lag.oldest))}."


def _exactness(survey: Survey) -> str:
    """One line on how truly rows arrive; the tables say more where they do not arrive exactly."""
    told = [table.description.fidelity for table in survey.tables if table.description.fidelity]
    inexact = sum(not is_exact(one) for one in told)
    if not told:
        return ""
    if not inexact:
        return " Every value arrives exactly."
    return f" Not every column of {inexact:,} table{'s' if inexact != 1 else ''} arrives as it is: see below."


def _verdict(against: int, tables: int, exactness: str) -> Finding:
    if against:
        what = "1 thing has" if against == 1 else f"{against} things have"
        return Finding(f"{what} to be mended first", "", "red")
    if not tables:
        return Finding("There is nothing to move", "No table matches.", "amber")
    return Finding("It can run", f"{tables} table run{'s' if tables != 1 else ''}.{exactness}", "green")


def _intent(run: SurveyedRoute) -> str:
    revision = run.state.revision
    if isinstance(run.due, AppError):
        return "Cannot be written."
    if run.due == "changes":
        if run.state.position is None:
            return "Begins with the changes from now on."
        return f"Changes will be applied to revision {revision}."
    again = f" It is read again: {run.drift.reload}." if run.drift.reload else ""
    if revision == 0:
        return f"Will be created.{again}"
    if run.target.write_mode in ("append", "history"):
        return f"Rows will be added to revision {revision}.{again}"
    return f"Revision {revision} will be replaced.{again}"


def _waiting(run: SurveyedRoute, lags: Lags) -> tuple[str, ...]:
    lag = lags.get((run.target.connection, run.target.name))
    return () if lag is None else (lag_words(lag),)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
