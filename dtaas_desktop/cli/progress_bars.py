"""A run in a terminal: a bar for each table run, then the summary."""

from rich.console import Console as RichConsole
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from dtaas_desktop.cli.console import Summary, changes_text, outcome_lines
from dtaas_desktop.cli.option_hints import with_options
from dtaas_desktop.domain.events import Event, Notice, RunFinished, TableProgress, TablePublished, TableStarted


class ProgressBars:
    """Bars drawn by rich, redrawn at most ten times a second."""

    def __init__(self) -> None:
        self._console = RichConsole(highlight=False)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=28),
            TextColumn("{task.percentage:>3.0f} %"),
            TextColumn("{task.fields[rows]:>12} rows"),
            TextColumn("{task.fields[rate]:>11}/s"),
            TimeRemainingColumn(),
            console=self._console,
            refresh_per_second=10,
        )
        self._bars: dict[str, TaskID] = {}
        self._summary = Summary()

    def __enter__(self) -> "ProgressBars":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def tell(self, event: Event) -> None:
        self._summary.take(event)
        match event:
            case TableStarted():
                label = f"{event.table} → {event.connection}/{event.target}"
                self._bars[event.table_run] = self._progress.add_task(
                    _plain(label), total=event.rows_estimate, rows="0", rate="0"
                )
            case TableProgress():
                counts = event.counts
                self._progress.update(
                    self._bars[event.table_run],
                    completed=counts.read,
                    rows=f"{counts.read:,}",
                    rate=f"{event.rows_per_second:,.0f}",
                )
            case TablePublished():
                if event.kind == "changes":
                    self._progress.console.print(f"  {event.table}: {changes_text(event)}", markup=False)
                read = event.counts.read
                self._progress.update(self._bars[event.table_run], total=max(read, 1), completed=max(read, 1))
            case Notice():
                self._progress.console.print(f"  {event.level}: {with_options(event.message)}", markup=False)
            case RunFinished():
                self._progress.stop()
                for line in self._summary.lines(event):
                    self._console.print(line, markup=False, soft_wrap=True)
            case _:
                for line in outcome_lines(event):
                    self._progress.console.print(line, markup=False)


def _plain(text: str) -> str:
    # rich reads [brackets] as markup; a table may be called so.
    return text.replace("[", r"\[")
