"""The command line: words in, a command with its options out. Nothing heavy is loaded.

Connection options mean what they mean in psql, so `-h` is the host and help is `--help` or `-?`.
The first word alone chooses a command; a database called `demo` or `show` is reached with -d.
"""

import argparse
import re
from collections.abc import Callable, Sequence
from enum import Enum
from typing import NamedTuple, NoReturn, TypeAlias

from pgtop import __version__
from pgtop.cli import exits
from pgtop.errors import UsageError

SHORTEST, LONGEST = 0.2, 60.0
"""Bounds of the interval in seconds, those of `pgtop.watch` (which is too heavy to load for `--help`)."""
THEMES = ("terminal", "dark", "light")


class Password(Enum):
    """When to ask for the password on the terminal."""

    WHEN_WANTED = "when the server wants one"
    FIRST = "-W"
    NEVER = "-w"


class Form(Enum):
    """What `show` prints."""

    TABLE = "a table for people"
    JSON = "--json"
    CSV = "--csv"


class Connection(NamedTuple):
    """Which server, as the user put it. What is None is left to libpq and its PG* variables and files."""

    target: str | None = None
    """A database name, a URI or a conninfo string."""
    host: str | None = None
    port: str | None = None
    user: str | None = None
    password: Password = Password.WHEN_WANTED
    wait: bool = False
    """Try again and again while the server is full, starting, stopping or out of reach."""


class Screen(NamedTuple):
    """What the dashboard looks like and may do."""

    interval: float = 1.0
    read_only: bool = False
    color: bool = True
    warn: float = 80.0
    alarm: float = 95.0
    theme: str = THEMES[0]
    plain_driver: bool = False


class Dashboard(NamedTuple):
    """`pgtop`"""

    connection: Connection = Connection()
    screen: Screen = Screen()


class Demo(NamedTuple):
    """`pgtop demo`"""

    screen: Screen = Screen()
    keep_running: bool = False


class Show(NamedTuple):
    """`pgtop show`"""

    connection: Connection = Connection()
    form: Form = Form.TABLE
    filter: str = ""
    sort: str = ""
    everything: bool = False
    color: bool = True


class Help(NamedTuple):
    """`--help` and `--version`, wherever they stand: a text to print."""

    text: str


Command: TypeAlias = Dashboard | Demo | Show | Help


class _Told(Exception):  # noqa: N818  # it ends the parsing and is no error
    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


def parse(words: Sequence[str]) -> Command:
    """The command that the words ask for. Raises UsageError."""
    for word in words:
        _check_encoding(word)
    try:
        return _COMMANDS[words[0]](words[1:]) if words and words[0] in _COMMANDS else _dashboard(words)
    except _Told as told:
        return Help(told.text)


def _dashboard(words: Sequence[str]) -> Dashboard:
    parser = _Parser(
        "pgtop",
        "[OPTION]... [DBNAME | URI | CONNINFO]\n"
        "       pgtop show [OPTION]... [DBNAME | URI | CONNINFO]\n"
        "       pgtop demo [OPTION]...",
        "A live session monitor for PostgreSQL. `show` prints one sample and exits; `demo` starts a server\n"
        "to try pgtop on. Each has its own --help.",
        epilog=_keys,
    )
    _add_connection(parser)
    _add_screen(parser)
    given = parser.parse_args(words)
    if given.target in _COMMANDS:
        raise UsageError(
            f"{given.target!r} must be the first word: pgtop {given.target} [OPTION]...",
            f"A database of that name: pgtop -d {given.target}.",
        )
    return Dashboard(_connection(given), _screen(given))


def _demo(words: Sequence[str]) -> Demo:
    parser = _Parser(
        "pgtop demo",
        "[OPTION]...",
        "Starts a PostgreSQL of its own with a living world in it and opens the dashboard on it. Leaving\n"
        "stops the server and removes its files.",
    )
    demo = parser.add_argument_group("Demo")
    demo.add_argument("--keep-running", action="store_true", help="leave the server running and print how to connect")
    _add_screen(parser)
    given = parser.parse_args(words)
    return Demo(_screen(given), given.keep_running)


def _show(words: Sequence[str]) -> Show:
    parser = _Parser(
        "pgtop show",
        "[OPTION]... [DBNAME | URI | CONNINFO]",
        "Prints one sample of the server and its client backends, and exits.",
    )
    _add_connection(parser)
    output = parser.add_argument_group("Output")
    form = output.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_const", dest="form", const=Form.JSON, help="one JSON object")
    form.add_argument("--csv", action="store_const", dest="form", const=Form.CSV, help="CSV with a header row")
    parser.set_defaults(form=Form.TABLE)
    output.add_argument("--filter", metavar="FILTER", default="", help="only these sessions, such as 'db:shop age>5m'")
    output.add_argument("--sort", metavar="COLUMN", default="", help="largest first; COLUMN:asc turns the order round")
    output.add_argument("--all", action="store_true", help="background processes, walsenders and parallel workers too")
    output.add_argument(
        "--no-color", action="store_true", help="no colours (as with NO_COLOR, or when not on a terminal)"
    )
    given = parser.parse_args(words)
    return Show(_connection(given), given.form, given.filter, given.sort, given.all, not given.no_color)


_COMMANDS: dict[str, Callable[[Sequence[str]], Command]] = {"demo": _demo, "show": _show}


def _add_connection(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group(
        "Connection (as psql; what is not given comes from PG* variables and libpq's defaults)"
    )
    group.add_argument(
        "target", nargs="?", metavar="DBNAME | URI | CONNINFO", help="database, or a whole connection string"
    )
    group.add_argument("-h", "--host", metavar="HOST", help="server host or socket folder")
    group.add_argument("-p", "--port", metavar="PORT", help="server port")
    group.add_argument("-U", "--username", metavar="NAME", help="role")
    group.add_argument("-d", "--dbname", metavar="DBNAME", help="database, URI or connection string")
    password = group.add_mutually_exclusive_group()
    for names, when, meaning in (
        (("-w", "--no-password"), Password.NEVER, "never ask for a password"),
        (("-W", "--password"), Password.FIRST, "ask for it before connecting"),
    ):
        password.add_argument(*names, action="store_const", dest="password", const=when, help=meaning)
    parser.set_defaults(password=Password.WHEN_WANTED)
    group.add_argument("--wait", action="store_true", help="keep trying until the server lets us in")


def _add_screen(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("Dashboard")
    group.add_argument(
        "--interval", metavar="SECONDS", type=_interval, default=1.0, help="between samples, 0.2 to 60 (1)"
    )
    group.add_argument("--read-only", action="store_true", help="no cancel, no terminate")
    group.add_argument("--no-color", action="store_true", help="no colours (as with NO_COLOR)")
    group.add_argument(
        "--warn", metavar="PERCENT", type=_percent, default=80.0, help="of the ordinary slots in use (80)"
    )
    group.add_argument(
        "--alarm", metavar="PERCENT", type=_percent, default=95.0, help="of the ordinary slots in use (95)"
    )
    group.add_argument("--theme", choices=THEMES, default=THEMES[0], help=f"one of {', '.join(THEMES)}", metavar="NAME")
    group.add_argument("--plain-driver", action="store_true", help="draw with Textual's own driver")


def _connection(given: argparse.Namespace) -> Connection:
    if given.target is not None and given.dbname is not None:
        raise UsageError("The database is given twice, with -d and without.", "Give it once.")
    target = given.dbname if given.target is None else given.target
    return Connection(target, given.host, given.port, given.username, given.password, given.wait)


def _screen(given: argparse.Namespace) -> Screen:
    if given.warn > given.alarm:
        raise UsageError(f"--warn {given.warn:g} is above --alarm {given.alarm:g}.", "The warning must come first.")
    return Screen(
        given.interval,
        given.read_only,
        not given.no_color,
        given.warn,
        given.alarm,
        given.theme,
        given.plain_driver,
    )


def _interval(text: str) -> float:
    return _number(text, SHORTEST, LONGEST, "seconds")


def _percent(text: str) -> float:
    return _number(text, 0, 100, "percent")


def _number(text: str, least: float, most: float, unit: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = least - 1
    if least <= number <= most:
        return number
    raise argparse.ArgumentTypeError(f"{text!r} is not a number of {unit} from {least:g} to {most:g}")


def _check_encoding(word: str) -> None:
    """Bytes that are not UTF-8 come as lone surrogates, which neither libpq nor a terminal could be given."""
    try:
        word.encode()
    except UnicodeEncodeError:
        raise UsageError(f"{word!r} is not valid UTF-8.") from None


def _version() -> str:
    return f"pgtop {__version__}\n"


def _keys() -> str:
    """The keys of the dashboard, from the registry that the help screen is read from."""
    from pgtop.actions import ACTIONS

    keys = [(" ".join(action.key_names), action.title) for action in ACTIONS]
    return "\n".join(
        ("\nKeys (? shows them in the dashboard):", *(f"  {names:<14}{title}" for names, title in keys), "")
    )


class _Parser(argparse.ArgumentParser):
    """argparse that raises instead of printing and exiting, and whose help ends with the exit codes."""

    def __init__(self, prog: str, usage: str, description: str, epilog: Callable[[], str] = str) -> None:
        super().__init__(
            prog, f"{prog} {usage}", description, formatter_class=_Formatter, add_help=False, allow_abbrev=False
        )
        self._more = epilog
        program = self.add_argument_group("Program")
        program.add_argument("-?", "--help", action=_Tell, text=self.format_help, help="print this and exit")
        program.add_argument("--version", action=_Tell, text=_version, help="print the version and exit")

    def format_help(self) -> str:
        return f"{super().format_help()}{self._more()}\nExit codes:\n{exits.table()}\n"

    def error(self, message: str) -> NoReturn:
        words = _SURPLUS.sub(_first_option, message.removeprefix("argument "))
        sentence = words if words.startswith("-") else words[:1].upper() + words[1:]
        raise UsageError(f"{sentence}.", f"{self.prog} --help lists the options.")


_SURPLUS = re.compile(r"(?s)unrecognized arguments: (.*)")


def _first_option(surplus: re.Match[str]) -> str:
    """The first word that is surplus, without a value; never what may be a connection string with a password."""
    word = surplus[1].split()[0]
    if word.startswith("-"):
        return f"unrecognized option: {word.partition('=')[0]}"
    return "too many arguments" if "=" in word or ":" in word else f"one argument too many: {word}"


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """As wide on every terminal: help is also read in mails and manuals."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=30, width=100)


class _Tell(argparse.Action):
    """Stop parsing and hand out a text."""

    def __init__(self, option_strings: Sequence[str], dest: str, text: Callable[[], str], help: str) -> None:
        super().__init__(option_strings, dest, nargs=0, default=argparse.SUPPRESS, help=help)
        self._text = text

    def __call__(self, *_: object) -> NoReturn:
        raise _Told(self._text())
