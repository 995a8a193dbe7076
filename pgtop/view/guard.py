"""Sessions that the user wants protected: those that match any of some filters.

A guard is made for the moment: its patterns share one limit of time, which runs from then on.
"""

from collections.abc import Callable, Sequence

from pgtop.analysis.planning import Guard
from pgtop.model.backend import Backend
from pgtop.view.filter import Filter, FilterError
from pgtop.view.picture import Picture
from pgtop.view.text import clean


def guard(filters: Sequence[Filter], picture: Picture) -> Guard:
    """What protects a backend of `picture`, by the words of the first filter that it matches.

    Where a pattern takes too long it protects, too: what is not known to be unprotected is not signalled.
    """
    tests = [(each.on(picture), f"it matches --protect {clean(each.text)}") for each in filters]
    return lambda backend: next((reason for reason in (_reason(*test, backend) for test in tests) if reason), "")


def _reason(matches: Callable[[Backend], bool], reason: str, backend: Backend) -> str:
    try:
        return reason if matches(backend) else ""
    except FilterError as error:
        return f"{reason}, or may: {error.message}"
