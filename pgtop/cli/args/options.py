"""The command line: words in, a command with its options out. Nothing heavy is loaded.

Connection options mean what they mean in psql, so `-h` is the host and help is `--help` or `-?`.
The first word alone chooses a command; a database of such a name is reached with -d.
"""

import argparse
from collections.abc import Callable, Sequence
from enum import Enum
from typing import NamedTuple, TypeAlias

from pgtop.cli import argv_secrets
from pgtop.cli.args.budget_options import (
    BudgetCommand,
    budget_parser,
    move_command_first,
    read_budget,
)
from pgtop.cli.args.parsers import (
    CommandParser,
    ConnectionOptions,
    HelpRequested,
    Password,
    add_connection,
    connection_of,
    number,
    percent,
)
from pgtop.cli.args.signal_options import (
    AuditCommand,
    SignalCommand,
    add_redact,
    add_safety,
    audit_parser,
    read_audit,
    read_signal,
    safety_of,
    signal_parser,
)
from pgtop.cli.misspelt import nearest_command, question
from pgtop.config.settings import Safety, Settings
from pgtop.errors import UsageError

__all__ = [
    "AuditCommand",
    "BudgetCommand",
    "Command",
    "CompletionCommand",
    "ConnectionOptions",
    "DashboardCommand",
    "DemoCommand",
    "HelpCommand",
    "LocksCommand",
    "OutputFormat",
    "Password",
    "PrintedText",
    "ShowCommand",
    "SignalCommand",
    "parse",
    "parsers",
    "proposal",
]

SHORTEST, LONGEST = 0.2, 60.0
"""Bounds of the interval in seconds, those of `pgtop.monitor.poller` (which is too heavy to load
for `--help`).
"""
THEMES = ("terminal", "dark", "light")
SHELLS = ("bash", "zsh", "fish")


class OutputFormat(Enum):
    """What `show` prints."""

    TABLE = "a table for people"
    JSON = "--json"
    CSV = "--csv"


class DashboardCommand(NamedTuple):
    """`pgtop`"""

    connection: ConnectionOptions = ConnectionOptions()
    settings: Settings = Settings()
    safety: Safety = Safety()


class DemoCommand(NamedTuple):
    """`pgtop demo`"""

    settings: Settings = Settings()
    safety: Safety = Safety()
    keep_running: bool = False


class ShowCommand(NamedTuple):
    """`pgtop show`"""

    connection: ConnectionOptions = ConnectionOptions()
    form: OutputFormat = OutputFormat.TABLE
    filter: str | None = None
    sort: str = ""
    everything: bool = False
    color: bool = True
    redact: bool = False


class LocksCommand(NamedTuple):
    """`pgtop locks`"""

    connection: ConnectionOptions = ConnectionOptions()
    json: bool = False
    color: bool = True
    redact: bool = False
    filter: str | None = None


class CompletionCommand(NamedTuple):
    """`pgtop completion`"""

    shell: str


class HelpCommand(NamedTuple):
    """`pgtop help`"""

    topic: str = ""
    """A topic or a command; empty for the list of topics."""


class PrintedText(NamedTuple):
    """`--help` and `--version`, wherever they stand: a text to print."""

    text: str


Command: TypeAlias = (
    DashboardCommand
    | DemoCommand
    | ShowCommand
    | LocksCommand
    | SignalCommand
    | BudgetCommand
    | AuditCommand
    | CompletionCommand
    | HelpCommand
    | PrintedText
)


def parse(words: Sequence[str]) -> Command:
    """The command that the words ask for. Raises UsageError."""
    for word in words:
        _check_encoding(word)
    words = move_command_first(words)
    try:
        command = (
            _COMMANDS[words[0]](words[1:]) if words and words[0] in _COMMANDS else _dashboard(words)
        )
    except HelpRequested as told:
        return PrintedText(told.text)
    except UsageError:
        argv_secrets.check_words(words, None, quoted=True)
        raise
    connection = getattr(command, "connection", ConnectionOptions())
    argv_secrets.check_words(words, connection.target)
    return command


def _dashboard_parser() -> CommandParser:
    parser = CommandParser(
        "pgtop",
        "[OPTION]... [DBNAME | URI | CONNINFO]\n"
        "       pgtop show [OPTION]... [DBNAME | URI | CONNINFO]\n"
        "       pgtop locks [OPTION]... [DBNAME | URI | CONNINFO]\n"
        "       pgtop cancel | kill [OPTION]... PID... | FILTER | --all-clients\n"
        "       pgtop budget [OPTION]... [DBNAME | URI | CONNINFO]\n"
        "       pgtop audit [OPTION]... [WORD]...\n"
        "       pgtop completion bash | zsh | fish\n"
        "       pgtop demo [OPTION]...\n"
        "       pgtop help [TOPIC | COMMAND]",
        "A live session monitor for PostgreSQL. `show` prints one sample and exits, `locks` who blocks whom;\n"
        "`cancel` and `kill` end queries and sessions; `budget` prints or checks the connection budget;\n"
        "`audit` prints who was signalled; `demo` starts a server to try pgtop on; `help` shows the\n"
        "documentation, and `help emergencies` what to do on a full or blocked server.\n"
        "Each command has its own --help.",
        epilog=_keys,
    )
    add_connection(parser)
    _add_screen(parser)
    return parser


def _dashboard(words: Sequence[str]) -> DashboardCommand:
    try:
        given = _dashboard_parser().parse_args(words)
    except UsageError as error:
        advice = f"{error.advice} {proposal(words[0])}".rstrip()
        raise UsageError(error.what, advice) from error
    if given.target in _COMMANDS:
        raise UsageError(
            f"{given.target!r} must be the first word: pgtop {given.target} [OPTION]...",
            f"A database of that name: pgtop -d {given.target}.",
        )
    return DashboardCommand(connection_of(given), _settings(given), safety_of(given))


def proposal(word: str | None) -> str:
    """Return the question whether a word that names no database was meant as a command; or
    nothing.
    """
    return question(nearest_command(word, _COMMANDS))


def _demo_parser() -> CommandParser:
    parser = CommandParser(
        "pgtop demo",
        "[OPTION]...",
        "Starts a PostgreSQL of its own with a living world in it and opens the dashboard on it. Leaving\n"
        "stops the server and removes its files.",
    )
    demo = parser.add_argument_group("Demo")
    demo.add_argument(
        "--keep-running",
        action="store_true",
        help="leave the server running and print how to connect",
    )
    _add_screen(parser)
    return parser


def _demo(words: Sequence[str]) -> DemoCommand:
    given = _demo_parser().parse_args(words)
    return DemoCommand(_settings(given), safety_of(given), given.keep_running)


def _show_parser() -> CommandParser:
    parser = CommandParser(
        "pgtop show",
        "[OPTION]... [DBNAME | URI | CONNINFO]",
        "Prints one sample of the server and its client backends, and exits.",
    )
    add_connection(parser)
    output = parser.add_argument_group("Output")
    form = output.add_mutually_exclusive_group()
    form.add_argument(
        "--json", action="store_const", dest="form", const=OutputFormat.JSON, help="one JSON object"
    )
    form.add_argument(
        "--csv",
        action="store_const",
        dest="form",
        const=OutputFormat.CSV,
        help="CSV with a header row",
    )
    parser.set_defaults(form=OutputFormat.TABLE)
    output.add_argument(
        "--filter", metavar="FILTER", help="only these sessions, such as 'db:shop age>5m'"
    )
    output.add_argument(
        "--sort",
        metavar="COLUMN",
        default="",
        help="largest first; COLUMN:asc turns the order round",
    )
    output.add_argument(
        "--all",
        action="store_true",
        help="background processes, walsenders and parallel workers too",
    )
    add_redact(output)
    output.add_argument(
        "--no-color",
        action="store_true",
        help="no colours (as with NO_COLOR, or when not on a terminal)",
    )
    return parser


def _show(words: Sequence[str]) -> ShowCommand:
    given = _show_parser().parse_args(words)
    return ShowCommand(
        connection_of(given),
        given.form,
        given.filter,
        given.sort,
        given.all,
        not given.no_color,
        given.redact,
    )


def _locks_parser() -> CommandParser:
    parser = CommandParser(
        "pgtop locks",
        "[OPTION]... [DBNAME | URI | CONNINFO]",
        "Prints who waits for whom as a tree, and who holds back vacuum, and exits.",
    )
    add_connection(parser)
    output = parser.add_argument_group("Output")
    output.add_argument("--json", action="store_true", help="one JSON object")
    output.add_argument(
        "--filter", metavar="FILTER", help="only sessions that match, and their blockers"
    )
    add_redact(output)
    output.add_argument(
        "--no-color",
        action="store_true",
        help="no colours (as with NO_COLOR, or when not on a terminal)",
    )
    return parser


def _locks(words: Sequence[str]) -> LocksCommand:
    given = _locks_parser().parse_args(words)
    return LocksCommand(
        connection_of(given), given.json, not given.no_color, given.redact, given.filter
    )


def _completion_parser() -> CommandParser:
    parser = CommandParser(
        "pgtop completion",
        "bash | zsh | fish",
        "Prints what makes the shell complete pgtop's commands, options and filter keys.",
    )
    parser.add_argument(
        "shell", choices=SHELLS, metavar="bash | zsh | fish", help="the shell to complete in"
    )
    return parser


def _completion(words: Sequence[str]) -> CompletionCommand:
    return CompletionCommand(_completion_parser().parse_args(words).shell)


def _help_parser() -> CommandParser:
    parser = CommandParser(
        "pgtop help",
        "[TOPIC | COMMAND]",
        "Shows a topic of the documentation, or the options of a command. Without a word it lists the topics.",
    )
    parser.add_argument(
        "topic", nargs="?", default="", metavar="TOPIC | COMMAND", help="what to show"
    )
    return parser


def _help(words: Sequence[str]) -> HelpCommand:
    return HelpCommand(_help_parser().parse_args(words).topic)


_COMMANDS: dict[str, Callable[[Sequence[str]], Command]] = {
    "audit": read_audit,
    "budget": read_budget,
    "cancel": lambda words: read_signal("cancel", words),
    "completion": _completion,
    "demo": _demo,
    "help": _help,
    "kill": lambda words: read_signal("kill", words),
    "locks": _locks,
    "show": _show,
}


def parsers() -> dict[str, CommandParser]:
    """The parser of each command by its name; the dashboard's under ""."""
    return {
        "": _dashboard_parser(),
        "audit": audit_parser(),
        "budget": budget_parser(),
        "cancel": signal_parser("cancel"),
        "completion": _completion_parser(),
        "demo": _demo_parser(),
        "help": _help_parser(),
        "kill": signal_parser("kill"),
        "locks": _locks_parser(),
        "show": _show_parser(),
    }


def _add_screen(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("Dashboard")
    group.add_argument(
        "--interval",
        metavar="SECONDS",
        type=_interval,
        default=1.0,
        help="between samples, 0.2 to 60 (1)",
    )
    group.add_argument("--no-color", action="store_true", help="no colours (as with NO_COLOR)")
    group.add_argument(
        "--warn",
        metavar="PERCENT",
        type=percent,
        default=80.0,
        help="of the ordinary slots in use (80)",
    )
    group.add_argument(
        "--alarm",
        metavar="PERCENT",
        type=percent,
        default=95.0,
        help="of the ordinary slots in use (95)",
    )
    group.add_argument(
        "--theme",
        choices=THEMES,
        default=THEMES[0],
        help=f"one of {', '.join(THEMES)}",
        metavar="NAME",
    )
    group.add_argument("--plain-driver", action="store_true", help="draw with Textual's own driver")
    add_safety(parser)


def _settings(given: argparse.Namespace) -> Settings:
    """What the options say; what the door's guards and the environment add comes later, see
    `compose`.
    """
    if given.warn > given.alarm:
        raise UsageError(
            f"--warn {given.warn:g} is above --alarm {given.alarm:g}.",
            "The warning must come first.",
        )
    return Settings(
        interval=given.interval,
        color=not given.no_color,
        theme=given.theme,
        warn=given.warn,
        alarm=given.alarm,
        plain_driver=given.plain_driver,
    )


def _interval(text: str) -> float:
    return number(text, SHORTEST, LONGEST, "seconds")


def _check_encoding(word: str) -> None:
    """Bytes that are not UTF-8 come as lone surrogates, which neither libpq nor a terminal could be
    given.
    """
    try:
        word.encode()
    except UnicodeEncodeError:
        raise UsageError(f"{word!r} is not valid UTF-8.") from None


def _keys() -> str:
    """The keys of the dashboard, from the registry that the help screen is read from."""
    from pgtop.actions import ACTIONS

    keys = [(" ".join(action.key_names), action.title) for action in ACTIONS]
    return "\n".join(
        (
            "\nKeys (? shows them in the dashboard):",
            *(f"  {names:<14}{title}" for names, title in keys),
            "",
        )
    )
