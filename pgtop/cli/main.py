"""From the words of the command line to an exit code.

An error that the user can correct is one sentence on stderr, never a traceback. Nothing heavy is
loaded before a command needs it: `--help` and `--version` load neither the driver nor the screen.
"""

import os
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from pgtop.cli import output
from pgtop.cli.args.command import PrintedText
from pgtop.cli.args.command_list import BUDGET, COMMANDS, proposal
from pgtop.cli.args.options import log_options, parse
from pgtop.cli.exit_codes import Check, Exit, exit_for, exit_of
from pgtop.cli.named_server import resolved
from pgtop.config.log_options import LogOptions
from pgtop.errors import PgtopError, UsageError
from pgtop.log import LOG

if TYPE_CHECKING:
    from pgtop.cli.args.options import Command
    from pgtop.model.failure import Failure


def run(words: Sequence[str]) -> int:
    """Run the command that the words ask for; return the exit code.

    Any other error than those of the user and the server is a bug.
    """
    if _is_check(words):
        from pgtop.cli.check_result import as_check

        return as_check(lambda: _check(words))
    try:
        return _run(words, parse(words))
    except PgtopError as error:
        output.report(error.what, error.advice)
        return exit_of(error)
    except KeyboardInterrupt:
        return Exit.INTERRUPT


def code_after_a_bug(words: Sequence[str]) -> int:
    """Return the exit code after a bug was reported.

    A check prints its line and exits with UNKNOWN, because 1 would mean WARNING.
    """
    if not _is_check(words):
        return Exit.BUG
    from pgtop.cli.check_result import CheckResult

    return CheckResult.unknown(
        "a bug in pgtop: stderr has the path of the report"
    ).print()


def _is_check(words: Sequence[str]) -> bool:
    """Return whether the words are meant as a check for monitoring."""
    if BUDGET not in words:
        return False
    from pgtop.cli.args.budget_options import is_check

    return is_check(words)


def _check(words: Sequence[str]) -> int:
    """Run a check. Help is no state of a server, so its code is UNKNOWN."""
    command = parse(words)
    code = _run(words, command)
    return Check.UNKNOWN if isinstance(command, PrintedText) else code


def _run(words: Sequence[str], command: "Command") -> int:
    """Run a command, with pgtop's own log if one is ordered; return the exit code. Raises
    PgtopError.
    """
    if isinstance(command, PrintedText):
        output.write(command.text)
        return Exit.DONE
    is_logged = any(word.startswith("--log") for word in words)
    if is_logged or not _LOG_VARIABLES.isdisjoint(os.environ):
        from pgtop.cli.own_log import begin_at_start

        begin_at_start(log_options(words) if is_logged else LogOptions(), os.environ)
    try:
        code = _run_connecting(command)
        LOG.write(f"pgtop: exit code {code}")
    except BaseException as error:
        LOG.write(f"pgtop: ended by {type(error).__name__}")
        raise
    finally:
        LOG.end()
    return code


def _run_connecting(command: "Command") -> int:
    """Run a command; report why a server fails it. Raises PgtopError."""
    from pgtop.ports import SourceError
    from pgtop.psycopg_parts import use_parts

    use_parts()
    try:
        return _run_module(command)
    except SourceError as error:
        code = exit_for(error.failure.kind)
        question = _misspelt_command(command, error.failure)
        what = f"{question} {error.failure.what}".lstrip()
        advice = (error.failure.advice, _HINTS.get(code, ""))
        output.report(what, " ".join(filter(None, advice)))
        return code


def _misspelt_command(command: "Command", failure: "Failure") -> str:
    """Return the question whether the name of a missing database was meant as a command, or
    nothing.
    """
    from pgtop.cli.args.dashboard_options import DashboardCommand
    from pgtop.sources.postgres.causes import NO_DATABASE

    if failure.advice != NO_DATABASE.advice or not isinstance(
        command, DashboardCommand
    ):
        return ""
    return proposal(command.connection.target)


_LOG_VARIABLES = frozenset(("PGTOP_LOG", "PGTOP_LOG_FILE"))
"""The variables that order pgtop's own log."""

_HINTS = {Exit.FULL: "Or start pgtop with --wait: it takes the next free slot."}
"""Advice for the command line alone: the dashboard keeps trying by itself."""


def _run_module(command: "Command") -> int:
    """Load the module of the command and run it; return the exit code."""
    record = type(command)
    _, _, module_of_options = record.__module__.rpartition(".")
    specs = {spec.options: spec for spec in COMMANDS.values()}
    spec = specs[f"{module_of_options}.{record.__name__}"]
    try:
        module = import_module(f"pgtop.cli.commands.{spec.module or spec.name}")
        code: int = module.run(_with_named_server(command))
    except ImportError as error:
        library, _, _ = (error.name or "").partition(".")
        if library == "pgtop":  # a bug
            raise
        if _NO_LIBPQ in str(error):
            raise UsageError(_LIBPQ_IS_MISSING, _INSTALL_LIBPQ) from error
        raise UsageError(f"pgtop cannot load a library: {error}.", _LIBRARY) from error
    return code


def _with_named_server(command: "Command") -> "Command":
    """Return the command with the profile of the server that it names. Raises UsageError."""
    connection = getattr(command, "connection", None)
    if connection is None or not connection.server_name:
        return command
    connecting: Any = command
    named: Command = connecting._replace(connection=resolved(connection))
    return named


_NO_LIBPQ = "libpq library not found"
"""In the words of psycopg, which found none that is compiled either."""
_LIBPQ_IS_MISSING = (
    "There is no libpq, the client library of PostgreSQL, on this machine."
)
_INSTALL_LIBPQ = (
    "Install the system's package (libpq5 in Debian and Ubuntu, libpq in Fedora and Alpine), or"
    " psycopg[binary] with pip."
)
_LIBRARY = (
    "Install pgtop again with its dependencies; PSYCOPG_IMPL, if it is set, must name what is"
    " installed."
)
