"""Filters of the command line. A wrong one is refused in one sentence."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from pgtop.cli.argv_secrets import may_hold_password
from pgtop.errors import UsageError
from pgtop.table.filter import Filter, FilterError, Saved
from pgtop.text.clean import clean

SAVED_SIGN = "@"
"""Stands before the name of a saved filter. Only commands that signal nothing take one: what a file
holds may have changed since its user read it."""
_EXCERPT = 20


def filter_of(text: str, name: str, saved: Saved = None) -> Filter:
    """Return the filter in the value of an option, which may name one of `saved`. `name` names the
    option in a UsageError.
    """
    with readable((text,), name):
        return Filter.of_option(text, saved)


def filter_for_protection(text: str, name: str) -> Filter:
    """Return a filter that protects sessions. `name` names it in a UsageError, which is also raised
    for a doubtful filter.
    """
    with readable((text,), name):
        protection = Filter.of_option(text)
        protection.check_for_protection()
        return protection


def filter_for_signals(arguments: Sequence[str]) -> Filter:
    """Return the filter that selects sessions for a signal, from arguments as the shell has grouped
    them. Raises UsageError, even for a doubtful filter.
    """
    with readable(arguments, "The filter"):
        selection = Filter.of_arguments(arguments)
        selection.check_for_signals()
        return selection


@contextmanager
def readable(arguments: Sequence[str], name: str) -> Iterator[None]:
    """Turn a FilterError into a UsageError with the place of the error in the arguments."""
    try:
        yield
    except FilterError as error:
        place = _place(" ".join(arguments), error.position)
        raise UsageError(f"{name} is wrong {place}: {error.message}.") from error


def _place(text: str, position: int) -> str:
    at = f"at character {position + 1}"
    rest = text[position : position + _EXCERPT].strip()
    if not rest or '"' in rest or may_hold_password(text):
        return at
    return f'{at}, "{clean(rest)}"'
