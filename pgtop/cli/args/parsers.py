"""What the parsers of all commands share. Nothing heavy is loaded.

Connection options mean what they mean in psql, so `-h` is the host and help is `--help` or `-?`.
"""

import argparse
import re
from collections.abc import Callable, Sequence
from enum import Enum
from typing import NamedTuple, NoReturn

from pgtop import __version__
from pgtop.cli import exit_codes
from pgtop.errors import UsageError


class Password(Enum):
    """When to ask for the password on the terminal."""

    WHEN_WANTED = "when the server wants one"
    FIRST = "-W"
    NEVER = "-w"


class ConnectionOptions(NamedTuple):
    """Which server, as the user put it. What is None is left to libpq and its PG* variables and
    files.
    """

    target: str | None = None
    """A database name, a URI or a conninfo string."""
    host: str | None = None
    port: str | None = None
    user: str | None = None
    password: Password = Password.WHEN_WANTED
    wait: bool = False
    """Try again and again while the server is full, starting, stopping or out of reach."""


class HelpRequested(Exception):  # noqa: N818  # it ends the parsing and is no error
    """--help or --version was asked for: `text` is to be printed."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


def add_connection(parser: argparse.ArgumentParser, *, positional: bool = True) -> None:
    """The options that say where to connect and as whom; `positional`: the database may stand
    without -d.
    """
    group = parser.add_argument_group(
        "Connection (as psql; what is not given comes from PG* variables and libpq's defaults)"
    )
    if positional:
        group.add_argument(
            "target",
            nargs="?",
            metavar="DBNAME | URI | CONNINFO",
            help="database, or a whole connection string",
        )
    else:
        parser.set_defaults(target=None)
    group.add_argument("-h", "--host", metavar="HOST", help="server host or socket folder")
    group.add_argument("-p", "--port", metavar="PORT", help="server port")
    group.add_argument("-U", "--username", metavar="NAME", help="role")
    group.add_argument(
        "-d", "--dbname", metavar="DBNAME", help="database, URI or connection string"
    )
    password = group.add_mutually_exclusive_group()
    for names, when, meaning in (
        (("-w", "--no-password"), Password.NEVER, "never ask for a password"),
        (("-W", "--password"), Password.FIRST, "ask for it before connecting"),
    ):
        password.add_argument(
            *names, action="store_const", dest="password", const=when, help=meaning
        )
    parser.set_defaults(password=Password.WHEN_WANTED)
    group.add_argument(
        "--wait", action="store_true", help="keep trying until the server lets us in"
    )


def connection_of(given: argparse.Namespace) -> ConnectionOptions:
    """What the options say. Raises UsageError for a database given twice."""
    if given.target is not None and given.dbname is not None:
        raise UsageError("The database is given twice, with -d and without.", "Give it once.")
    target = given.dbname if given.target is None else given.target
    return ConnectionOptions(
        target, given.host, given.port, given.username, given.password, given.wait
    )


def percent(text: str) -> float:
    """Read an argument from 0 to 100, as `80`, `2.5` or `80%`."""
    return number(text, 0, 100, "percent", sign="%")


def number(text: str, least: float, most: float, unit: str, sign: str = "") -> float:
    """Read an argument within bounds, in plain decimals, perhaps followed by the sign of its
    unit.
    """
    match = _NUMBER.fullmatch(text.removesuffix(sign).strip())
    if match and least <= float(match[0]) <= most:
        return float(match[0])
    shown = repr(text) if len(text) <= _LONGEST_QUOTED else "that"
    raise argparse.ArgumentTypeError(
        f"{shown} is not a number of {unit} from {least:g} to {most:g}"
    )


_NUMBER = re.compile(r"\+?([0-9]+\.?[0-9]*|\.[0-9]+)")
_LONGEST_QUOTED = 40


def _version() -> str:
    return f"pgtop {__version__}\n"


class CommandParser(argparse.ArgumentParser):
    """argparse that raises instead of printing and exiting, and whose help ends with the exit
    codes.
    """

    def __init__(
        self, prog: str, usage: str, description: str, epilog: Callable[[], str] = str
    ) -> None:
        super().__init__(
            prog,
            f"{prog} {usage}",
            description,
            formatter_class=_Formatter,
            add_help=False,
            allow_abbrev=False,
        )
        self._more = epilog
        program = self.add_argument_group("Program")
        program.add_argument(
            "-?", "--help", action=_PrintAndExit, text=self.format_help, help="print this and exit"
        )
        program.add_argument(
            "--version", action=_PrintAndExit, text=_version, help="print the version and exit"
        )

    def format_help(self) -> str:
        return f"{super().format_help()}{self._more()}\nExit codes:\n{exit_codes.table()}\n"

    def error(self, message: str) -> NoReturn:
        words = _CHOICE.sub(
            r"\1", _NO_VALUE.sub("takes no value", message.removeprefix("argument "))
        )
        words = _SURPLUS.sub(_first_option, words)
        sentence = words if words.startswith("-") else words[:1].upper() + words[1:]
        raise UsageError(f"{sentence}.", f"{self.prog} --help lists the options.")


_SURPLUS = re.compile(r"(?s)unrecognized arguments: (.*)")
_NO_VALUE = re.compile(r"(?s)ignored explicit argument .*")
_CHOICE = re.compile(r"(?s)(invalid choice): (?!'[\w-]{1,20}' \().*(?= \(choose from )")
"""A value that argparse quotes; a short word may stand."""


def _first_option(surplus: re.Match[str]) -> str:
    """The first word that is surplus, without a value; never what may be a connection string with a
    password.
    """
    word = surplus[1].split()[0]
    if word.startswith("-"):
        option = re.match(r"-\w|--[\w-]{1,30}(?![^=])", word)
        return f"unrecognized option: {option[0]}" if option else "unrecognized option"
    return "too many arguments" if "=" in word or ":" in word else f"one argument too many: {word}"


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """As wide on every terminal: help is also read in mails and manuals."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=30, width=100)


class _PrintAndExit(argparse.Action):
    """Stop parsing and hand out a text."""

    def __init__(
        self, option_strings: Sequence[str], dest: str, text: Callable[[], str], help: str
    ) -> None:
        super().__init__(option_strings, dest, nargs=0, default=argparse.SUPPRESS, help=help)
        self._text = text

    def __call__(self, *_: object) -> NoReturn:
        raise HelpRequested(self._text())
