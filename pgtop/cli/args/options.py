"""The command line: words in, a command with its options out. Nothing heavy is loaded.

The first word alone chooses a command; a database with the name of a command is reached with `-d`.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from pgtop.cli import argv_secrets
from pgtop.cli.args.command import CommandSpec, PrintedText
from pgtop.cli.args.command_list import COMMANDS, DASHBOARD, commands
from pgtop.cli.args.connection import ConnectionOptions
from pgtop.cli.args.parsers import CommandParser, HelpRequested, read_record
from pgtop.cli.named_server import take_server, with_server
from pgtop.config.log_options import LogOptions
from pgtop.errors import UsageError

if TYPE_CHECKING:
    from pgtop.cli.args.audit_options import AuditCommand
    from pgtop.cli.args.budget_options import BudgetCommand
    from pgtop.cli.args.config_options import ConfigCommand
    from pgtop.cli.args.dashboard_options import DashboardCommand
    from pgtop.cli.args.export_options import ExportCommand
    from pgtop.cli.args.pools_options import PoolsCommand
    from pgtop.cli.args.recording_options import (
        DiffCommand,
        RecordCommand,
        ReportCommand,
    )
    from pgtop.cli.args.records import (
        CompletionCommand,
        DemoCommand,
        HelpCommand,
        LocksCommand,
        ProgressCommand,
        ReplayCommand,
        ReplicationCommand,
        ShowCommand,
        StatementsCommand,
        VersionCommand,
    )
    from pgtop.cli.args.signal_options import SignalCommand
    from pgtop.cli.args.waits_options import WaitsCommand

    Command: TypeAlias = (
        DashboardCommand
        | DemoCommand
        | ShowCommand
        | LocksCommand
        | ProgressCommand
        | ReplicationCommand
        | StatementsCommand
        | SignalCommand
        | BudgetCommand
        | AuditCommand
        | ConfigCommand
        | CompletionCommand
        | HelpCommand
        | RecordCommand
        | DiffCommand
        | ReplayCommand
        | ReportCommand
        | VersionCommand
        | ExportCommand
        | PoolsCommand
        | WaitsCommand
        | PrintedText
    )


def parse(words: Sequence[str]) -> "Command":
    """Return the command that the words ask for. Raises UsageError."""
    for word in words:
        _check_encoding(word)
    words = _arranged(words)
    spec, rest = _split(words)
    try:
        command = _read(spec, rest)
    except HelpRequested as request:
        return PrintedText(request.text)
    except UsageError:
        argv_secrets.check_words(words, (), quoted=True)
        raise
    connection = getattr(command, "connection", ConnectionOptions())
    strings = (connection.target, *connection.poolers)
    argv_secrets.check_words(words, strings)
    return command


def log_options(words: Sequence[str]) -> LogOptions:
    """Return the options of the log among words that `parse` has read. Raises UsageError."""
    spec, rest = _split(_arranged(words))
    args, _ = spec.parser().parse_known_args(rest)
    return read_record(LogOptions, args)


def _read(spec: CommandSpec, words: Sequence[str]) -> "Command":
    """Return the command, with the server that an @ names. Raises UsageError."""
    if "connection" not in spec.record._fields:
        command: Command = spec.read(words)
        return command
    name, rest = take_server(spec.record, words)
    connecting: Any = spec.read(rest)
    connection = connecting.connection
    if poolers := getattr(connecting, "poolers", ()):
        connection = connection._replace(poolers=poolers)
    if name:
        connection = with_server(connection, name)
    named: Command = connecting._replace(connection=connection)
    return named


def _arranged(words: Sequence[str]) -> Sequence[str]:
    """Return the words with a time joined to its option, and with the command first."""
    if COMMANDS.keys().isdisjoint(words):  # the dashboard takes no times
        return words
    from pgtop.cli.args.budget_options import move_command_first
    from pgtop.cli.args.recording_options import join_offsets

    return move_command_first(join_offsets(words))


def _split(words: Sequence[str]) -> tuple[CommandSpec, Sequence[str]]:
    """Return the command, and the words after its name."""
    if words and words[0] in commands():
        return COMMANDS[words[0]], words[1:]
    return COMMANDS[DASHBOARD], words


def parsers() -> dict[str, CommandParser]:
    """Return the parser of each command by its name; the dashboard has no name."""
    return {name: spec.parser() for name, spec in COMMANDS.items()}


def _check_encoding(word: str) -> None:
    """Raise UsageError for bytes that are not UTF-8.

    Python reads them as lone surrogates, which neither libpq nor a terminal takes.
    """
    try:
        word.encode()
    except UnicodeEncodeError:
        raise UsageError(f"{word!r} is not valid UTF-8.") from None
