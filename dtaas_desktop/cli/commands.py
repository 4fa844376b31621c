"""What each command does. Parts that only some of them need are imported there: all of them are waited for."""

import argparse
import getpass
import json
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from dtaas_desktop.cli import exit_codes
from dtaas_desktop.cli.console import console_for
from dtaas_desktop.cli.option_hints import with_options
from dtaas_desktop.domain.errors import AppError, UserError
from dtaas_desktop.engine.cancel import CancelToken
from dtaas_desktop.services.run_request import RunRequest
from dtaas_desktop.services.run_service import RunService
from dtaas_desktop.services.workspace import Workspace, default_folder, open_workspace

PAUSE_WAIT_SECONDS = 30.0


def run(options: argparse.Namespace, grammar: argparse.ArgumentParser) -> int:
    """Do what the options say; the exit code. Raises AppError."""
    workspace = open_workspace((options.workspace or default_folder()).absolute())
    try:
        return _dispatch(options, workspace, grammar)
    finally:
        workspace.close()


def say_error(error: AppError, *, as_json: bool) -> None:
    """Say what ended a command, for a person or for a program."""
    if as_json:
        print(
            json.dumps({"event": "Error", "message": error.message, "remedy": error.remedy}, ensure_ascii=False),
            flush=True,
        )
    else:
        print(with_options(f"{error.message}\n{error.remedy}".strip()), file=sys.stderr)


def _dispatch(options: argparse.Namespace, workspace: Workspace, grammar: argparse.ArgumentParser) -> int:
    commands: tuple[tuple[object, Callable[[], int]], ...] = (
        (options.run_task, lambda: _run_named(workspace, options)),
        (options.resume_task, lambda: _run_named(workspace, options)),
        (options.pause_task, lambda: _pause_task(workspace, options.pause_task)),
        (options.cancel_task, lambda: _cancel_task(workspace, options.cancel_task)),
        (options.check_task, lambda: _check_task(workspace, options)),
        (options.show_capture, lambda: _capture(workspace, options)),
        (options.enable_capture, lambda: _capture(workspace, options)),
        (options.disable_capture, lambda: _capture(workspace, options)),
        (options.list_tasks or None, lambda: _list_tasks(workspace, as_json=options.json)),
        (options.import_task, lambda: _import_task(workspace, Path(options.import_task), as_copy=options.as_copy)),
        (options.export_task, lambda: _export_task(workspace, options.export_task)),
        (options.set_secret, lambda: _set_secret(workspace, options.set_secret)),
        (options.run_sample or None, lambda: _run_sample(workspace, as_json=options.json)),
    )
    for given, command in commands:
        if given is not None:
            return command()
    grammar.print_help()
    return exit_codes.FIX


def _run_named(workspace: Workspace, options: argparse.Namespace) -> int:
    request = RunRequest(
        options.run_task if options.run_task is not None else options.resume_task,
        resume=options.resume_task is not None,
        take_over=frozenset(options.take_over),
        reload=frozenset(options.full_reload),
        follow=options.follow,
        only=frozenset(options.only),
        origin=options.origin,
    )
    if options.attached:
        return _run_attached(workspace, request)
    return _run_task(workspace, request, as_json=options.json)


def _capture(workspace: Workspace, options: argparse.Namespace) -> int:
    from dtaas_desktop.cli import capture_commands

    if options.show_capture is not None:
        return capture_commands.show(workspace, options.show_capture, as_json=options.json)
    if options.enable_capture is not None:
        return capture_commands.enable(workspace, options.enable_capture)
    return capture_commands.disable(workspace, options.disable_capture)


def _check_task(workspace: Workspace, options: argparse.Namespace) -> int:
    from dtaas_desktop.cli import check_report

    service = RunService(workspace)
    surveyed = service.check(options.check_task, take_over=frozenset(options.take_over), reload=frozenset(options.full_reload))
    lags = service.lags(surveyed)
    print(check_report.as_json(surveyed, lags) if options.json else with_options(check_report.as_text(surveyed, lags)))
    return exit_codes.of_survey(surveyed)


def _run_task(workspace: Workspace, request: RunRequest, *, as_json: bool) -> int:
    cancel = CancelToken()
    with _signals(cancel), console_for(as_json=as_json, out=sys.stdout) as console:
        outcome = RunService(workspace).run(request, emit=console.tell, cancel=cancel)
    return exit_codes.of_run(outcome.state, outcome.failures)


def _run_attached(workspace: Workspace, request: RunRequest) -> int:
    from dtaas_desktop.cli import attached

    cancel = CancelToken()
    with _signals(cancel), attached.DetachedLines(sys.stdout.fileno()) as lines:
        attached.settle_in()
        try:
            outcome = RunService(workspace).run(request, emit=lines.tell, cancel=cancel)
        except AppError as error:
            lines.say({"event": "Error", "message": error.message, "remedy": error.remedy})
            return exit_codes.of_error(error)
    return exit_codes.of_run(outcome.state, outcome.failures)


def _run_sample(workspace: Workspace, *, as_json: bool) -> int:
    from dtaas_desktop.services import sample

    codes = [_run_task(workspace, RunRequest(task.name), as_json=as_json) for task in sample.install(workspace)]
    return next((code for code in codes if code), exit_codes.DONE)


def _pause_task(workspace: Workspace, name: str) -> int:
    record = RunService(workspace).pause(name, wait_seconds=PAUSE_WAIT_SECONDS)
    print(f"Task “{record.task_name}” is {record.state}." + (" Go on with --resume-task." if record.state == "paused" else ""))
    return exit_codes.DONE


def _cancel_task(workspace: Workspace, name: str) -> int:
    record = RunService(workspace).cancel(name, wait_seconds=PAUSE_WAIT_SECONDS)
    print(f"Task “{record.task_name}” is {record.state}.")
    return exit_codes.DONE


def _list_tasks(workspace: Workspace, *, as_json: bool) -> int:
    for task in workspace.tasks.all():
        latest = workspace.history.latest(task.uuid)
        state = latest.state if latest else "never run"
        if as_json:
            print(
                json.dumps(
                    {"name": task.name, "uuid": task.uuid, "last_run": latest.state if latest else None},
                    ensure_ascii=False,
                )
            )
        else:
            print(f"{task.name}  ({state})")
    return exit_codes.DONE


def _import_task(workspace: Workspace, path: Path, *, as_copy: bool) -> int:
    from dtaas_desktop.services import task_exchange

    imported = task_exchange.import_task(workspace, task_exchange.read_task_file(path), as_copy=as_copy)
    for name in imported.added:
        print(f"Connection “{name}” added.")
    for name in imported.kept:
        print(f"Connection “{name}” exists already with other settings, which are kept.")
    print(f"Task “{imported.task.name}” imported.")
    return exit_codes.DONE


def _export_task(workspace: Workspace, name: str) -> int:
    from dtaas_desktop.services import task_exchange

    sys.stdout.write(task_exchange.exported(workspace, workspace.tasks.named(name)))
    return exit_codes.DONE


def _set_secret(workspace: Workspace, name: str) -> int:
    # Never an argument: those are seen by every user of the machine.
    secret = getpass.getpass(f"Secret for local:{name}: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    if not secret:
        raise UserError("The secret is empty.", remedy="Type it, or give it on standard input.")
    workspace.secrets.store(name, secret)
    print(f"Stored; refer to it as local:{name}.")
    return exit_codes.DONE


@contextmanager
def _signals(cancel: CancelToken) -> Iterator[None]:
    """Ctrl-C cancels and SIGTERM pauses, at the next batch border; a second Ctrl-C ends at once."""

    def on_interrupt(_: int, __: FrameType | None) -> None:
        if cancel.request == "cancel":
            raise KeyboardInterrupt
        cancel.ask("cancel")

    def on_terminate(_: int, __: FrameType | None) -> None:
        cancel.ask("pause")

    before = {
        signal.SIGINT: signal.signal(signal.SIGINT, on_interrupt),
        signal.SIGTERM: signal.signal(signal.SIGTERM, on_terminate),
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
