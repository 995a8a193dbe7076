"""The command line: words in, a command with its options out. Nothing heavy is loaded.

The first word alone chooses a command; a database with the name of a command is reached with `-d`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from pgtop.cli import argv_secrets
from pgtop.cli.args.audit_options import AuditCommand
from pgtop.cli.args.budget_options import BudgetCommand, move_command_first, read_budget
from pgtop.cli.args.command import CommandSpec, PrintedText
from pgtop.cli.args.config_options import CONFIG_SPEC, ConfigCommand
from pgtop.cli.args.connection import ConnectionOptions
from pgtop.cli.args.export_options import EXPORT_SPEC, ExportCommand
from pgtop.cli.args.parsers import CommandParser, HelpRequested, read_record
from pgtop.cli.args.pools_options import POOLS_SPEC, PoolsCommand
from pgtop.cli.args.recording_options import (
    DiffCommand,
    RecordCommand,
    ReportCommand,
    join_offsets,
)
from pgtop.cli.args.records import (
    CompletionCommand,
    DashboardCommand,
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
from pgtop.cli.args.signal_options import SignalCommand, signal_spec
from pgtop.cli.args.waits_options import WaitsCommand
from pgtop.cli.misspelt import nearest_command, question
from pgtop.cli.named_server import take_server, with_server
from pgtop.config.settings import LogOptions
from pgtop.errors import UsageError

_TARGET = "[OPTION]... [@SERVER] [DBNAME | URI | CONNINFO]"

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


def parse(words: Sequence[str]) -> Command:
    """Return the command that the words ask for. Raises UsageError."""
    for word in words:
        _check_encoding(word)
    words = move_command_first(join_offsets(words))
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
    spec, rest = _split(move_command_first(join_offsets(words)))
    args, _ = spec.parser().parse_known_args(rest)
    return read_record(LogOptions, args)


def _read(spec: CommandSpec, words: Sequence[str]) -> Command:
    """Return the command, with the server that an @ names. Raises UsageError."""
    if "connection" not in spec.record._fields:
        command: Command = spec.read(spec, words)
        return command
    name, rest = take_server(spec.record, words)
    connecting: Any = spec.read(spec, rest)
    connection = connecting.connection
    if poolers := getattr(connecting, "poolers", ()):
        connection = connection._replace(poolers=poolers)
    if name:
        connection = with_server(connection, name)
    named: Command = connecting._replace(connection=connection)
    return named


def _split(words: Sequence[str]) -> tuple[CommandSpec, Sequence[str]]:
    """Return the command, and the words after its name."""
    if words and words[0] in commands():
        return COMMANDS[words[0]], words[1:]
    return COMMANDS[DASHBOARD], words


def parsers() -> dict[str, CommandParser]:
    """Return the parser of each command by its name; the dashboard has no name."""
    return {name: spec.parser() for name, spec in COMMANDS.items()}


def commands() -> list[str]:
    """Return the names of all commands."""
    return [name for name in COMMANDS if name != DASHBOARD]


def proposal(word: str | None) -> str:
    """Return the question whether the word was meant as a command, or nothing."""
    return question(nearest_command(word, commands()))


def _check_encoding(word: str) -> None:
    """Raise UsageError for bytes that are not UTF-8.

    Python reads them as lone surrogates, which neither libpq nor a terminal takes.
    """
    try:
        word.encode()
    except UnicodeEncodeError:
        raise UsageError(f"{word!r} is not valid UTF-8.") from None


def _read_dashboard(spec: CommandSpec, words: Sequence[str]) -> DashboardCommand:
    try:
        args = spec.parser().parse_args(words)
    except UsageError as error:
        what = f"{proposal(words[0])} {error.what}".lstrip()
        raise UsageError(what, error.advice) from error
    if args.target in commands():
        raise UsageError(
            f"{args.target!r} must be the first word: pgtop {args.target} [OPTION]...",
            f"A database of that name: pgtop -d {args.target}.",
        )
    return read_record(DashboardCommand, args)


def _read_completion(spec: CommandSpec, words: Sequence[str]) -> CompletionCommand:
    try:
        command: CompletionCommand = spec.parse(words)
    except UsageError as error:
        has_option = any(word.startswith("-") for word in words)
        if has_option or len(words) > 1:
            raise
        raise UsageError("Name a shell: bash, zsh or fish.", error.advice) from error
    return command


def _keys(width: int) -> str:
    """Return the keys of the dashboard, as the help screen lists them."""
    from pgtop.help.wrapping import listed
    from pgtop.view_registry import KEYMAP

    keys = [(" ".join(action.key_names), action.title) for action in KEYMAP.actions]
    heading = "Keys (? shows them in the dashboard):"
    return f"\n{heading}\n{listed(keys, _KEY_WIDTH, width)}\n"


_KEY_WIDTH = 14
"""Cells of the keys of one action."""


DASHBOARD = ""
"""The name of the dashboard, which needs none."""

_SPECS = (
    CommandSpec(
        DASHBOARD,
        DashboardCommand,
        module="dashboard",
        usage=f"""\
{_TARGET}
       pgtop show {_TARGET}
       pgtop locks {_TARGET}
       pgtop waits {_TARGET}
       pgtop progress {_TARGET}
       pgtop statements {_TARGET}
       pgtop pools [--pooler URI]... {_TARGET}
       pgtop replication {_TARGET}
       pgtop cancel | kill [OPTION]... [@SERVER | URI] PID... | FILTER | --all-clients
       pgtop budget {_TARGET}
       pgtop record [OPTION]... [FILE | DIR]
       pgtop diff [OPTION]... FILE --at TIME [--at TIME]
       pgtop replay [OPTION]... FILE
       pgtop report [OPTION]... FILE
       pgtop audit [OPTION]... [WORD]...
       pgtop completion bash | zsh | fish
       pgtop config show | check | path | schema | init
       pgtop demo [OPTION]...
       pgtop export --prometheus FILE [OPTION]... [@SERVER | URI]
       pgtop version [--verbose]
       pgtop help [TOPIC | COMMAND]""",
        description="""\
A live session monitor for PostgreSQL. `show` prints one sample, `locks` who blocks whom, and
`progress` how far vacuums and index builds are; `waits` measures what sessions wait for;
`replication` prints how far standbys are behind and what slots hold; `cancel` and `kill` end
queries and sessions; `budget` prints or checks the connection budget; `record` writes samples into
a file; `audit` prints which sessions were signalled; `config` prints and checks the configuration;
`demo` starts a server to try pgtop on; `help` shows the documentation, and `help emergencies` what
to do on a full or blocked server.
Each command has its own --help.""",
        read=_read_dashboard,
        epilog=_keys,
    ),
    CommandSpec(
        "audit",
        AuditCommand,
        usage="[OPTION]... [WORD]...",
        description="""\
Prints the signals that you requested on this machine, and what became of them.""",
    ),
    CommandSpec(
        "budget",
        BudgetCommand,
        usage=_TARGET,
        description="""\
Prints the connection budget. With -w PERCENT or -c PERCENT it is a check for monitoring: one line
with performance data, and exit code 0 (OK), 1 (WARNING), 2 (CRITICAL) or 3 (UNKNOWN).""",
        read=read_budget,
    ),
    signal_spec("cancel", "Cancels the running queries"),
    CommandSpec(
        "completion",
        CompletionCommand,
        usage="bash | zsh | fish",
        description="""\
Prints a script that makes the shell complete pgtop's commands, options and filter keys.""",
        read=_read_completion,
    ),
    CONFIG_SPEC,
    CommandSpec(
        "demo",
        DemoCommand,
        usage="[OPTION]...",
        description="""\
Starts a PostgreSQL server with a simulated workload, and opens the dashboard on it. Quitting
stops the server and removes its files.""",
    ),
    EXPORT_SPEC,
    CommandSpec(
        "help",
        HelpCommand,
        usage="[TOPIC | COMMAND]",
        description="""\
Shows a topic of the documentation, or the options of a command. Without a word it lists the
topics.""",
    ),
    signal_spec("kill", "Terminates the sessions"),
    CommandSpec(
        "locks",
        LocksCommand,
        usage=_TARGET,
        description="""\
Prints who blocks whom as a tree, and what holds back vacuum, and exits.""",
    ),
    CommandSpec(
        "diff",
        DiffCommand,
        usage="[OPTION]... FILE --at TIME [--at TIME]",
        description="""\
Compares two times of a recording: sessions that came, went and changed, groups that grew, roots of
lock queues, and the budget. With one --at, that time with the end.""",
    ),
    POOLS_SPEC,
    CommandSpec(
        "progress",
        ProgressCommand,
        usage=_TARGET,
        description="""\
Prints how far vacuums, index builds, copies and base backups are: the step of each, its share that
is done, and the time left of that step. Takes two samples, 2 s apart, if any is under way.""",
    ),
    CommandSpec(
        "record",
        RecordCommand,
        usage="[OPTION]... [FILE | DIR]",
        description="""\
Writes a sample a second into a file, with one connection and without a screen, until Ctrl-C or
SIGTERM. The file keeps to its age and size, and only its owner may read it. More:
`pgtop help record`.""",
    ),
    CommandSpec(
        "replay",
        ReplayCommand,
        usage="[OPTION]... FILE",
        description="""\
Opens the dashboard on a recording, without a server: the same views, filters and details at any
time of it, step by step or as it happened.""",
    ),
    CommandSpec(
        "replication",
        ReplicationCommand,
        usage=_TARGET,
        description="""\
Prints how far standbys are behind, what replication slots hold and subscriptions receive, and on a
standby its receiver and its replay. More: `pgtop help replication`.""",
    ),
    CommandSpec(
        "report",
        ReportCommand,
        usage="[OPTION]... FILE",
        description="""\
Prints what a recording shows of an incident on one page: connections, roots of lock queues and
what ended them, the queries seen most, signals, gaps.""",
    ),
    CommandSpec(
        "show",
        ShowCommand,
        usage=_TARGET,
        description="Prints one sample of the server and its client backends, and exits.",
    ),
    CommandSpec(
        "statements",
        StatementsCommand,
        usage=_TARGET,
        description="""\
Prints what statements did between two readings of pg_stat_statements, those with most time first,
and exits. More: `pgtop help statements`.""",
    ),
    CommandSpec(
        "version",
        VersionCommand,
        usage="[--verbose]",
        description="""\
Prints the version of pgtop; with --verbose also those of Python, its libraries and libpq, and the
terminal, for a report of a bug.""",
    ),
    CommandSpec(
        "waits",
        WaitsCommand,
        usage=_TARGET,
        description="""\
Samples what sessions wait for, prints the shares with their error, and exits. Ctrl-C ends it
earlier. More: `pgtop help waits`.""",
    ),
)

COMMANDS: Mapping[str, CommandSpec] = {spec.name: spec for spec in _SPECS}
"""All commands by their names."""
