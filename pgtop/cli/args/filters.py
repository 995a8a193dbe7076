"""Filters of the command line: read from the arguments that the shell has grouped, or refused in
one sentence.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from pgtop.cli.argv_secrets import may_hold_password
from pgtop.errors import UsageError
from pgtop.table.filter import Filter, FilterError
from pgtop.text.clean import clean

_EXCERPT = 20


def filter_of(text: str, name: str) -> Filter:
    """Return the filter that is the value of an option. Raises UsageError, which calls it
    `name`.
    """
    with readable((text,), name):
        return Filter.of_option(text)


def filter_for_protection(text: str, name: str) -> Filter:
    """Return the filter that protects sessions. Raises UsageError, which calls it `name`, also for
    a doubtful one.
    """
    with readable((text,), name):
        chosen = Filter.of_option(text)
        chosen.check_for_protection()
        return chosen


def filter_for_signals(arguments: Sequence[str]) -> Filter:
    """Return the filter that decides which sessions get a signal. Raises UsageError also for a
    doubtful one.
    """
    with readable(arguments, "The filter"):
        chosen = Filter.of_arguments(arguments)
        chosen.check_for_signals()
        return chosen


@contextmanager
def readable(arguments: Sequence[str], name: str) -> Iterator[None]:
    """Turn a FilterError into a UsageError that says where in the arguments the filter is wrong."""
    try:
        yield
    except FilterError as error:
        raise UsageError(
            f"{name} is wrong {_place(' '.join(arguments), error.position)}: {error.message}."
        ) from error


def _place(text: str, position: int) -> str:
    rest = "" if may_hold_password(text) else text[position : position + _EXCERPT].strip()
    at = f"at character {position + 1}"
    return f'{at}, "{clean(rest)}"' if rest else at
