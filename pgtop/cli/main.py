"""From the words of the command line to an exit code.

Whatever the user can correct is one sentence on stderr, never a traceback. Nothing heavy is loaded
before a command needs it: `--help` and `--version` know neither the driver nor the screen.
"""

import importlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pgtop.cli import output
from pgtop.cli.args.budget_options import is_check
from pgtop.cli.args.options import (
    AuditCommand,
    BudgetCommand,
    Command,
    CompletionCommand,
    DashboardCommand,
    DemoCommand,
    HelpCommand,
    LocksCommand,
    PrintedText,
    ShowCommand,
    SignalCommand,
    parse,
    proposal,
)
from pgtop.cli.exit_codes import Check, Exit, exit_for, exit_of
from pgtop.errors import PgtopError, UsageError

if TYPE_CHECKING:
    from pgtop.model.failure import Failure


def run(words: Sequence[str]) -> int:
    """Do what the words ask for; returns the exit code. What escapes is a bug."""
    if is_check(words):
        from pgtop.cli.check_result import as_check

        return as_check(lambda: _check(words))
    try:
        return _carry_out(parse(words))
    except PgtopError as error:
        output.report(error.what, error.advice)
        return exit_of(error)
    except KeyboardInterrupt:
        return Exit.INTERRUPT


def code_after_a_bug(words: Sequence[str]) -> int:
    """Return the exit code after a bug was reported; of a check, print its line, as 1 would be
    WARNING.
    """
    if not is_check(words):
        return Exit.BUG
    from pgtop.cli.check_result import CheckResult

    return CheckResult.unknown("a bug in pgtop: standard error says where the report is").print()


def _check(words: Sequence[str]) -> int:
    """Carry out a check; its help is no state of a server, so that is unknown."""
    command = parse(words)
    code = _carry_out(command)
    return Check.UNKNOWN if isinstance(command, PrintedText) else code


def _carry_out(command: Command) -> int:
    if isinstance(command, PrintedText):
        output.write(command.text)
        return Exit.DONE
    if isinstance(command, HelpCommand):
        return _with_server(command)  # no server: 15 ms less to import
    from pgtop.ports import SourceError

    try:
        return _with_server(command)
    except SourceError as error:
        code = exit_for(error.failure.kind)
        advice = (
            error.failure.advice,
            _HINTS.get(code, ""),
            _meant_command(command, error.failure),
        )
        output.report(error.failure.what, " ".join(filter(None, advice)))
        return code


def _meant_command(command: Command, failure: "Failure") -> str:
    """Return the question whether the name of a database that is not there was meant as a command;
    or nothing.
    """
    from pgtop.sources.postgres.causes import NO_DATABASE

    is_missing = failure.advice == NO_DATABASE.advice
    return (
        proposal(command.connection.target)
        if is_missing and isinstance(command, DashboardCommand)
        else ""
    )


_HINTS = {Exit.FULL: "Or start pgtop with --wait: it takes the next free slot."}
"""What helps on the command line alone: the dashboard goes on trying by itself."""


_MODULES: Mapping[type[Command], str] = {
    AuditCommand: "audit",
    BudgetCommand: "budget",
    CompletionCommand: "completion",
    DashboardCommand: "dashboard",
    DemoCommand: "demo",
    HelpCommand: "help",
    LocksCommand: "locks",
    ShowCommand: "show",
    SignalCommand: "signal.command",
}


def _with_server(command: Command) -> int:
    """Let the command's own module do it, which is loaded only now."""
    try:
        module = importlib.import_module(f"pgtop.cli.commands.{_MODULES[type(command)]}")
        code: int = module.run(command)
    except ImportError as error:
        if (error.name or "").partition(".")[0] == "pgtop":  # a bug
            raise
        raise UsageError(f"A library of pgtop's cannot be loaded: {error}.", _LIBRARY) from error
    return code


_LIBRARY = "Install pgtop again with its dependencies; PSYCOPG_IMPL, if it is set, must name what is installed."
