"""The options of `pgtop budget`, and whether words are meant to be a check for monitoring. Nothing
heavy is loaded.

Monitoring takes 0, 1 and 2 for states of the server: whatever looks like a check must never end so
by mistake.
https://www.monitoring-plugins.org/doc/guidelines.html#AEN227
"""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from pgtop.cli.args.parsers import (
    CommandParser,
    ConnectionOptions,
    Password,
    add_connection,
    connection_of,
    number,
    percent,
)
from pgtop.errors import UsageError

COMMAND = "budget"
CHECK_SECONDS = 10.0
"""How long a check may take unless --timeout says otherwise: the guidelines' default."""

_LONGEST_TIMEOUT = 300
_WITH_VALUE = frozenset(
    {
        "-h", "--host", "-p", "--port", "-U", "--username", "-d", "--dbname", "-t", "--timeout",
        "--role", "--database", "--interval", "--warn", "--alarm", "--theme", "--protect",
    }
)  # fmt: skip
"""Options after which a word belongs to them."""
_THRESHOLDS = ("warn", "warning", "crit", "critical")
_LIKENESS = 0.6
"""From which on a word is taken for a misspelt one: `wran` has 0.75, `colour` and `wait` 0.5 and
less.
"""
_THRESHOLD = re.compile(
    r"\s*([-+]?[\d.@~:].*|[-+]?(nan|inf|infinity)%?)?\s*", re.DOTALL | re.IGNORECASE
)
"""What may stand after -w as a threshold, rightly or wrongly: monitoring has ranges such as
`@10:20`, too, and a variable that was never set leaves an empty word."""
_NUMBER = re.compile(r"[0-9]+([.,][0-9]+)?%?")
_END = "--"
"""Stands for the end of the words: nothing after it belongs to an option."""


class BudgetCommand(NamedTuple):
    """`pgtop budget`"""

    connection: ConnectionOptions = ConnectionOptions()
    warn: float | None = None
    crit: float | None = None
    role: str | None = None
    database: str | None = None
    color: bool = True
    timeout: float = CHECK_SECONDS

    @property
    def checks(self) -> bool:
        """True if this is a check in the monitoring-plugin convention."""
        return self.warn is not None or self.crit is not None


def budget_parser() -> CommandParser:
    """Build the parser of `pgtop budget`."""
    parser = CommandParser(
        "pgtop budget",
        "[OPTION]... [DBNAME | URI | CONNINFO]",
        "Prints the connection budget. With -w PERCENT or -c PERCENT it is a check for monitoring: one line with\n"
        "performance data, and exit code 0 (OK), 1 (WARNING), 2 (CRITICAL) or 3 (UNKNOWN).",
    )
    add_connection(parser)
    check = parser.add_argument_group("Check")
    check.add_argument(
        "--warn",
        "--warning",
        metavar="PERCENT",
        type=percent,
        help="warn from so much in use; also -w PERCENT",
    )
    check.add_argument(
        "-c",
        "--crit",
        "--critical",
        metavar="PERCENT",
        type=percent,
        help="critical from so much in use",
    )
    of = check.add_mutually_exclusive_group()
    of.add_argument(
        "--role",
        metavar="NAME",
        help="of this role's connection limit, or of all slots if it has none",
    )
    of.add_argument(
        "--database",
        metavar="NAME",
        help="of this database's limit, or of all slots if it has none",
    )
    check.add_argument(
        "-t", "--timeout", metavar="SECONDS", type=_seconds, default=CHECK_SECONDS,
        help=f"how long a check may take ({CHECK_SECONDS:g})",
    )  # fmt: skip
    check.add_argument("--no-color", action="store_true", help="no colours (as with NO_COLOR)")
    return parser


def read_budget(words: Sequence[str]) -> BudgetCommand:
    """Read the words after `pgtop budget`. Raises UsageError."""
    args = budget_parser().parse_args(list(_with_long_thresholds(words)))
    if args.warn is not None and args.crit is not None and args.warn > args.crit:
        raise UsageError(
            f"--warn {args.warn:g} is above --crit {args.crit:g}.", "The warning must come first."
        )
    command = BudgetCommand(
        connection_of(args),
        args.warn,
        args.crit,
        args.role,
        args.database,
        not args.no_color,
        args.timeout,
    )
    return _bounded(command) if command.checks else command


def move_command_first(words: Sequence[str]) -> Sequence[str]:
    """Move `budget` to the front, if only options stand before it."""
    place = _place_of_command(words)
    return (COMMAND, *words[:place], *words[place + 1 :]) if place is not None else words


def is_check(words: Sequence[str]) -> bool:
    """Return whether the words are meant as a check for monitoring, also if they cannot be read."""
    if _place_of_command(words) is None:
        return False
    return any(_is_threshold(before, word, after) for before, word, after in _neighbours(words))


def _bounded(command: BudgetCommand) -> BudgetCommand:
    """Make sure that a check ends: it neither tries again and again nor waits for a password to be
    typed.
    """
    if command.connection.wait:
        raise UsageError("--wait never gives up, and a check must end.", "Leave it out.")
    if command.connection.password is not Password.WHEN_WANTED:
        return command
    return command._replace(connection=command.connection._replace(password=Password.NEVER))


def _seconds(text: str) -> float:
    return number(text, 1, _LONGEST_TIMEOUT, "seconds", sign="s")


def _with_long_thresholds(words: Sequence[str]) -> Iterator[str]:
    """Write `-w 80` and `-w80` as --warn; a `-w` before anything else is psql's --no-password."""
    options_end = words.index("--") if "--" in words else len(words)
    for word, after in pairwise((*words[:options_end], _END)):
        if word == "-w" and _THRESHOLD.fullmatch(after):
            yield "--warn"
        elif (
            word.startswith("-w")
            and word != "-w"
            and _THRESHOLD.fullmatch(word[2:].removeprefix("="))
        ):
            yield f"--warn={word[2:].removeprefix('=')}"
        else:
            yield word
    yield from words[options_end:]


def _place_of_command(words: Sequence[str]) -> int | None:
    """Return the index of `budget` as the command: first, or after options and their values."""
    place = 0
    while place < len(words) and words[place].startswith("-") and words[place] != "--":
        following = words[place + 1] if place + 1 < len(words) else ""
        takes_value = words[place] in _WITH_VALUE or _may_take_value(words[place], following)
        place += 2 if takes_value else 1
    return place if place < len(words) and words[place] == COMMAND else None


def _may_take_value(option: str, following: str) -> bool:
    """Return whether an option that is not known here may be followed by a value: neither an option
    nor the command.
    """
    if option == "-w":
        return bool(_THRESHOLD.fullmatch(following))
    return (
        "=" not in option
        and option[:2] not in ("-w", "-W")
        and not following.startswith("-")
        and following != COMMAND
    )


def _neighbours(words: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    return zip(("", *words), words, (*words[1:], _END), strict=False)


def _is_threshold(before: str, word: str, after: str) -> bool:
    """Return whether the word looks like a threshold or its option, perhaps misspelt."""
    if before in _WITH_VALUE:
        return False
    if word.startswith("--"):
        return _is_like_threshold(word[2:].partition("=")[0].lower())
    if word.startswith(("-w", "-c")):
        return word != "-w" or bool(_THRESHOLD.fullmatch(after))
    return bool(_NUMBER.fullmatch(word))


def _is_like_threshold(name: str) -> bool:
    from difflib import get_close_matches

    return bool(get_close_matches(name, _THRESHOLDS, 1, _LIKENESS))
