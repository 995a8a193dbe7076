"""Sessions that the user wants protected: those that match any of some filters."""

from collections.abc import Sequence

from pgtop.analysis.planning import Guard
from pgtop.view.filter import Filter
from pgtop.view.picture import Picture
from pgtop.view.text import clean


def guard(filters: Sequence[Filter], picture: Picture) -> Guard:
    """What protects a backend of `picture`, by the words of the first filter that it matches.

    Raises FilterError when asked with a pattern that takes too long: what is not known to be unprotected is safe.
    """
    tests = [(each.on(picture), f"it is protected by {clean(each.text)}") for each in filters]
    return lambda backend: next((reason for matches, reason in tests if matches(backend)), "")
