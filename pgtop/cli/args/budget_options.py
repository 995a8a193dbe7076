"""The options of `pgtop budget`, and the test whether words are meant as a check for monitoring.

Monitoring takes the codes 0, 1 and 2 for states of the server. A command line that looks like a
check must therefore never exit with one of them by mistake. Nothing heavy is loaded here.
https://www.monitoring-plugins.org/doc/guidelines.html#AEN227
"""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Annotated, NamedTuple

from pgtop.cli.args.command import CommandSpec
from pgtop.cli.args.command_list import BUDGET
from pgtop.cli.args.connection import Connection, ConnectionOptions, Password
from pgtop.cli.args.output_options import JSON, NO_COLOR
from pgtop.cli.args.recording_options import PastOptions
from pgtop.config.log_options import LogOptions
from pgtop.config.percent_range import Threshold, threshold
from pgtop.config.schema import Number, OptionGroup, option, options_with_value
from pgtop.config.settings import Safety, Settings
from pgtop.errors import UsageError

CHECK_SECONDS = 10.0
"""Seconds that a check may take without --timeout: the guidelines' default."""

_LONGEST_TIMEOUT = 300
_THRESHOLDS = ("warn", "warning", "crit", "critical")
_LIKENESS = 0.6
"""Least likeness of a misspelt threshold: `wran` has 0.75, `colour` and `wait` 0.5 and less."""
_THRESHOLD = r"(?si)\s*([-+]?[\d.@~:].*|[-+]?(nan|inf|infinity)%?)?\s*"
"""A word after -w that is meant as a threshold, right or wrong.

Monitoring also has ranges such as `@10:20`, and a variable that was never set leaves an empty word.
"""
_NUMBER = r"[0-9]+([.,][0-9]+)?%?"
_END = "--"
"""The end of the words, or of the options among them."""


class BudgetCommand(NamedTuple):
    """Options of `pgtop budget`."""

    connection: Connection = ConnectionOptions()
    past: PastOptions = PastOptions()
    warn: Annotated[
        Threshold | None,
        OptionGroup("Check"),
        option(
            "--warn",
            "--warning",
            metavar="PERCENT",
            parse=threshold,
            help="report WARNING from this share in use, or by a range; also -w PERCENT",
        ),
    ] = None
    crit: Annotated[
        Threshold | None,
        option(
            "-c",
            "--crit",
            "--critical",
            metavar="PERCENT",
            parse=threshold,
            help="report CRITICAL from this share in use, or by a range such as @90:100",
        ),
    ] = None
    role: Annotated[
        str | None,
        option(
            "--role",
            metavar="NAME",
            excludes="limit",
            help="share of this role's connection limit, or of all slots if it has none",
        ),
    ] = None
    database: Annotated[
        str | None,
        option(
            "--database",
            metavar="NAME",
            excludes="limit",
            help="share of this database's limit, or of all slots if it has none",
        ),
    ] = None
    timeout: Annotated[
        float,
        option(
            "-t",
            "--timeout",
            metavar="SECONDS",
            parse=Number(1, _LONGEST_TIMEOUT, "number of seconds", sign="s"),
            help="time in which a check must answer",
        ),
    ] = CHECK_SECONDS
    json: Annotated[bool, OptionGroup("Output"), JSON] = False
    color: Annotated[bool, NO_COLOR] = True

    @property
    def is_check(self) -> bool:
        """True if this is a check in the monitoring-plugin convention."""
        return self.warn is not None or self.crit is not None


_LEVELS = frozenset({"-c", "--crit", "--critical", "--warning"})
_WITH_VALUE = options_with_value(BudgetCommand, Settings, Safety, LogOptions) - _LEVELS
"""Options that take any word after them, even `budget`. Those of the dashboard may stand before the
command by mistake.
"""


def read_budget(spec: CommandSpec, words: Sequence[str]) -> BudgetCommand:
    """Read the words after `pgtop budget`. Raises UsageError."""
    command: BudgetCommand = spec.parse(list(_with_long_thresholds(words)))
    warn = command.warn
    crit = command.crit
    if command.json and command.is_check:
        raise UsageError(
            "A check prints one line, and --json an object.", "Leave one of them out."
        )
    if isinstance(warn, float) and isinstance(crit, float) and warn > crit:
        raise UsageError(
            f"--warn {warn:g} is above --crit {crit:g}.",
            "The warning must come first.",
        )
    return _bounded(command) if command.is_check else command


def move_command_first(words: Sequence[str]) -> Sequence[str]:
    """Move `budget` to the front, if only options stand before it."""
    place = _place_of_command(words)
    if place is None:
        return words
    return (BUDGET, *words[:place], *words[place + 1 :])


def is_check(words: Sequence[str]) -> bool:
    """Return whether the words are meant as a check for monitoring, even if they cannot be read."""
    if _place_of_command(words) is None:
        return False
    befores = ("", *words)
    afters = (*words[1:], _END)
    triples = zip(befores, words, afters, strict=False)
    return any(_is_threshold(*triple) for triple in triples)


def _bounded(command: BudgetCommand) -> BudgetCommand:
    """Make sure that a check ends: it refuses --wait, and never prompts for a password."""
    if command.connection.wait:
        raise UsageError(
            "--wait never gives up, and a check must end.", "Leave it out."
        )
    if command.connection.password is not Password.WHEN_WANTED:
        return command
    connection = command.connection._replace(password=Password.NEVER)
    return command._replace(connection=connection)


def _with_long_thresholds(words: Sequence[str]) -> Iterator[str]:
    """Write `-w 80` and `-w80` as --warn; a `-w` before anything else is psql's --no-password."""
    options_end = words.index(_END) if _END in words else len(words)
    options = words[:options_end]
    for word, after in pairwise((*options, _END)):
        yield _with_long_threshold(word, after)
    yield from words[options_end:]


def _with_long_threshold(word: str, after: str) -> str:
    if not word.startswith("-w"):
        return word
    if word == "-w":
        return "--warn" if re.fullmatch(_THRESHOLD, after) else word
    value = word[2:].removeprefix("=")
    return f"--warn={value}" if re.fullmatch(_THRESHOLD, value) else word


def _place_of_command(words: Sequence[str]) -> int | None:
    """Return the index of `budget` as the command: first, or after options and their values."""
    if BUDGET not in words:
        return None
    place = 0
    while place < len(words) and _is_option(words[place]):
        name, *others = words[place:]
        following = others[0] if others else ""
        takes_value = name in _WITH_VALUE or _may_take_value(name, following)
        place += 2 if takes_value else 1
    is_command = place < len(words) and words[place] == BUDGET
    return place if is_command else None


def _is_option(word: str) -> bool:
    return word.startswith("-") and word != _END


def _may_take_value(option: str, following: str) -> bool:
    """Return whether a value may follow an option that is unknown here.

    A value is neither an option nor the command.
    """
    if option == "-w":
        return bool(re.fullmatch(_THRESHOLD, following))
    if "=" in option or option.startswith(("-w", "-W")):
        return False
    return following != BUDGET and not following.startswith("-")


def _is_threshold(before: str, word: str, after: str) -> bool:
    """Return whether the word looks like a threshold or its option, perhaps misspelt."""
    if before in _WITH_VALUE:
        return False
    if word.startswith("--"):
        name, _, _ = word[2:].partition("=")
        return _is_like_threshold(name.lower())
    if word.startswith(("-w", "-c")):
        return word != "-w" or bool(re.fullmatch(_THRESHOLD, after))
    return bool(re.fullmatch(_NUMBER, word))


def _is_like_threshold(name: str) -> bool:
    from difflib import get_close_matches

    return bool(get_close_matches(name, _THRESHOLDS, 1, _LIKENESS))
