"""Commands and their arguments. Each returns an exit code (exit_codes)."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from dtaas_desktop import __version__
from dtaas_desktop.domain.errors import AppError
from dtaas_desktop.domain.left_out import left_out

EXAMPLES = """\
examples:
  dtaas-desktop --import-task nightly.json     add or update a task
  dtaas-desktop --check-task "Nightly load"    what it will do, and what speaks against it
  dtaas-desktop --run-task "Nightly load"      run it; Ctrl-C cancels, SIGTERM pauses
  dtaas-desktop --resume-task "Nightly load"   go on after a pause or a failure; --only orders: with this table alone
  dtaas-desktop --enable-capture "Live copy"   have the source keep what changes; --show-capture shows how, before
  dtaas-desktop --run-task "Live copy" --follow            bring changes over as they happen, until stopped
  dtaas-desktop --run-task "Live copy" --full-reload orders   read one table again

"""

# What the command line can be asked to do, as argparse calls it; without any of these, the window opens.
COMMANDS = (
    "run_task",
    "resume_task",
    "pause_task",
    "cancel_task",
    "check_task",
    "show_capture",
    "enable_capture",
    "disable_capture",
    "list_tasks",
    "import_task",
    "export_task",
    "run_sample",
    "set_secret",
)


def parser() -> argparse.ArgumentParser:
    """The command line's grammar."""
    found = argparse.ArgumentParser(
        prog="dtaas-desktop",
        description="Moves tables from databases to files and databases: exactly, quickly, and shown while it happens. "
        "Without a command, the window opens.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command = found.add_mutually_exclusive_group()
    command.add_argument("--run-task", metavar="NAME", help="run a task to its end")
    command.add_argument("--resume-task", metavar="NAME", help="go on with a paused, interrupted or failed run")
    command.add_argument("--pause-task", metavar="NAME", help="pause a running task, in whatever process it runs")
    command.add_argument(
        "--cancel-task", metavar="NAME", help="cancel a running task, in whatever process it runs: drops what was only staged"
    )
    command.add_argument("--check-task", metavar="NAME", help="show problems and the plan, change nothing")
    command.add_argument(
        "--show-capture", metavar="NAME", help="show how a task's tables are captured, and the script that would do it"
    )
    command.add_argument("--enable-capture", metavar="NAME", help="have the source capture the changes of a task's tables")
    command.add_argument("--disable-capture", metavar="NAME", help="stop capturing a task's tables, without a trace")
    command.add_argument("--list-tasks", action="store_true", help="list the tasks of the workspace")
    command.add_argument("--import-task", metavar="FILE", help="add or update a task from a file")
    command.add_argument("--export-task", metavar="NAME", help="write a task as a file to standard output")
    command.add_argument("--run-sample", action="store_true", help="make the sample tasks and run them")
    command.add_argument(
        "--set-secret", metavar="NAME", help="keep a secret as local:NAME; asked for, or read from standard input"
    )
    command.add_argument("--version", action="version", version=f"DTaaS Desktop {__version__}")
    found.add_argument("--workspace", metavar="FOLDER", type=Path, help="use this workspace instead of the user's own")
    found.add_argument("--as-copy", action="store_true", help="with --import-task: a new task, even if its UUID is known")
    found.add_argument(
        "--take-over",
        metavar="TARGET",
        action="append",
        default=[],
        help="allow a run to write this target although it belongs to others",
    )
    found.add_argument(
        "--full-reload",
        metavar="TABLE",
        nargs="?",
        const="*",
        action="append",
        default=[],
        help="with --run-task: read this table (name or pattern; without one, all) again instead of its changes",
    )
    found.add_argument(
        "--only",
        metavar="TABLE",
        action="append",
        default=[],
        help="with --run-task or --resume-task: only this table (name or pattern), for example one that failed",
    )
    found.add_argument("--follow", action="store_true", help="with --run-task: bring changes over as they happen, until stopped")
    found.add_argument("--json", action="store_true", help="JSON on standard output, one object a line")
    # For the window, which starts its runs so: see services.run_process.
    found.add_argument("--attached", action="store_true", help=argparse.SUPPRESS)
    found.add_argument("--origin", choices=("command line", "window", "schedule"), default="command line", help=argparse.SUPPRESS)
    return found


def main(arguments: Sequence[str], window: Callable[[Path | None, Sequence[str]], int] | None = None) -> int:
    """Run one command; its exit code. Errors are said on standard error in a sentence or two.

    Without a command, `window` is called with the workspace's folder (None: the user's own) and what is left for Qt.
    """
    grammar = parser()
    if "-h" in arguments or "--help" in arguments:
        from dtaas_desktop.cli.exit_codes import HELP

        grammar.epilog = EXAMPLES + HELP
    options = grammar.parse_args(arguments)
    if options.follow and options.run_task is None and options.resume_task is None:
        grammar.error("--follow goes with --run-task")
    if options.full_reload and options.run_task is None and options.check_task is None:
        grammar.error("--full-reload goes with --run-task or --check-task")
    if (options.only or options.attached) and options.run_task is None and options.resume_task is None:
        grammar.error("--only goes with --run-task or --resume-task")
    for stream in (sys.stdout, sys.stderr):
        # A pipe may use an encoding that cannot show every name; a name must not end a run.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    if window is not None and not _names_a_command(options):
        return window(options.workspace, ())
    with left_out("numpy", "pandas"):
        return _command(options, grammar)


def _command(options: argparse.Namespace, grammar: argparse.ArgumentParser) -> int:
    from dtaas_desktop.cli import commands, exit_codes

    try:
        return commands.run(options, grammar)
    except AppError as error:
        commands.say_error(error, as_json=options.json)
        return exit_codes.of_error(error)
    except KeyboardInterrupt:
        return exit_codes.CANCELLED


def _names_a_command(options: argparse.Namespace) -> bool:
    given = vars(options)
    return any(given[name] not in (None, False) for name in COMMANDS)
