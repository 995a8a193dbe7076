"""Sessions that the user wants protected: those of which a filter holds, or may hold.

A guard is made for the moment: its patterns share one limit of time, which runs from then on. What
is not known to be unprotected is protected.
"""

from collections.abc import Sequence

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.model.backend import Backend
from pgtop.signalling.planning import Guard
from pgtop.table import known
from pgtop.table.filter import Filter, FilterError
from pgtop.table.predicates import Decision
from pgtop.text.clean import clean


def guard(filters: Sequence[Filter], picture: DerivedSnapshot) -> Guard:
    """Return what protects a backend of `picture`, by the words of the first filter that holds, or
    else may hold.

    Where a pattern takes too long it protects, too.
    """
    judges = [(each, each.decide(picture)) for each in filters]
    is_cut = known.cut(picture.snapshot)

    def doubt(filter: Filter, backend: Backend) -> str:
        if filter.reads_queries and not backend.hidden and is_cut(backend.query or ""):
            return "its query is cut by the server"
        return (
            "part of what it asks is hidden"
            if backend.hidden
            else "part of what it asks is not known"
        )

    def protection(backend: Backend) -> str:
        answers = [(each, *_answer(decide, backend)) for each, decide in judges]
        certain = next((_matches(each) for each, answer, _ in answers if answer), "")
        if certain:
            return certain
        doubtful = ((each, why) for each, answer, why in answers if answer is None)
        return next(
            (f"{_matches(each)}, or may: {why or doubt(each, backend)}" for each, why in doubtful),
            "",
        )

    return protection


def _matches(filter: Filter) -> str:
    return f"it matches --protect {clean(filter.text)}"


def _answer(decide: Decision, backend: Backend) -> tuple[bool | None, str]:
    """Return the answer, and why there is none if a pattern took too long."""
    try:
        return decide(backend), ""
    except FilterError as error:
        return None, error.message
