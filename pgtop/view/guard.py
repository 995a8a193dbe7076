"""Sessions that the user wants protected: those that match any of some filters.

A guard is made for the moment: its patterns share one limit of time, which runs from then on. What is not known to be
unprotected is protected.
"""

from collections.abc import Callable, Sequence

from pgtop.analysis.planning import Guard
from pgtop.model.backend import Backend
from pgtop.model.detail import is_cut
from pgtop.view.filter import Filter, FilterError
from pgtop.view.picture import Picture
from pgtop.view.text import clean


def guard(filters: Sequence[Filter], picture: Picture) -> Guard:
    """What protects a backend of `picture`, by the words of the first filter that it matches.

    Where a pattern takes too long it protects, too, and where words may stand in the part of a query that was cut off.
    """
    size = picture.snapshot.server.track_activity_query_size
    tests = [
        *((each.on(picture), _matches(each)) for each in filters),
        *((_may_match(each, picture, size), f"{_matches(each)}, or may: {_CUT}") for each in filters),
    ]
    return lambda backend: next((reason for reason in (_reason(*test, backend) for test in tests) if reason), "")


def _matches(filter: Filter) -> str:
    return f"it matches --protect {clean(filter.text)}"


def _may_match(filter: Filter, picture: Picture, size: int) -> Callable[[Backend], bool]:
    """Whether all holds but what it asks of the text, of which only the beginning is known."""
    if not filter.reads_queries:
        return lambda _: False
    test = filter.on_all_but_queries(picture)
    return lambda backend: _may_be_cut(backend, size) and test(backend)


def _may_be_cut(backend: Backend, size: int) -> bool:
    text = backend.query or ""
    return is_cut(text, len(text.encode(errors="replace")), size)


_CUT = "its query is cut by the server"


def _reason(matches: Callable[[Backend], bool], reason: str, backend: Backend) -> str:
    try:
        return reason if matches(backend) else ""
    except FilterError as error:
        return f"{reason}, or may: {error.message}"
