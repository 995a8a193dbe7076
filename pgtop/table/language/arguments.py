"""The words of a command line as one filter: each is one term or several whole ones.

What the shell has grouped stays together, so that a blank inside an argument belongs to its value.
What the shell has emptied is an error, as a filter with a term less selects more.
"""

import re
from bisect import bisect_right
from collections.abc import Sequence

from pgtop.table.language.errors import FilterError
from pgtop.table.language.keys import Key, key_called, state_called
from pgtop.table.language.lazy import LazyPattern
from pgtop.table.language.parser import COMPARISON, LONGEST, SIGNS, FilterParser, too_long
from pgtop.table.language.quoting import QUOTES, quoted, unquoted
from pgtop.table.language.sentence import canonical
from pgtop.table.language.tree import Relation, Term, terms_of
from pgtop.table.language.words import is_keyword

_NEGATION = LazyPattern(r"(?:not\s+|[-!])?", re.IGNORECASE)
_NAME_WITH_BLANKS = LazyPattern(r"\w[\w.@/#-]*(?: \w[\w.@/#-]*)*")
_VALUE_BEFORE = LazyPattern(COMPARISON.source + r"[^\s\"']+\s+$")


def text_of(arguments: Sequence[str]) -> str:
    """Return the text that the arguments mean: they themselves, or the canonical one where a value
    needs quotes.

    Positions of a FilterError count characters of the arguments joined by blanks.
    """
    if len(" ".join(arguments)) > LONGEST:
        raise too_long()
    starts: list[int] = []
    at = 0
    for argument in arguments:
        starts.append(at)
        _check_nothing_vanished(argument, at)
        at += len(argument) + 1
    grouped = dict(_groups(arguments, starts))
    edges = tuple(start + len(argument) for start, argument in zip(starts, arguments, strict=True))
    tree = FilterParser(" ".join(arguments), grouped, edges).tree()
    for term in terms_of(tree):
        _check_is_marked(term, arguments, starts)
    return canonical(tree) if grouped else " ".join(arguments)


def negated_term(argument: str) -> str:
    """Return the key and sign that stand behind a minus, as in `-db:`; "" where none do."""
    head = COMPARISON.match(argument, 1) if argument.startswith("-") else None
    return head[0].strip() if head and key_called(head[1]) else ""


def _check_nothing_vanished(argument: str, start: int) -> None:
    """Raise FilterError where a variable of the shell may have been empty."""
    if not argument.strip():
        raise FilterError("an argument is empty: take it away, or fill what it was made of", start)
    for place in _blanks_in_doubt(argument):
        raise FilterError(
            "a word may be missing at this blank: one blank stands between words", start + place
        )


def _blanks_in_doubt(argument: str) -> Sequence[int]:
    """Return where blanks stand, outside quotes, at an edge of the argument or beside another
    blank.
    """
    at, places = 0, []
    while at < len(argument):
        found = unquoted(argument, at) if argument[at] in QUOTES else None
        if found is not None:
            at = found[1]
            continue
        if argument[at].isspace() and (at in (0, len(argument) - 1) or argument[at + 1].isspace()):
            places.append(at)
        at += 1
    return places


def _groups(arguments: Sequence[str], starts: Sequence[int]) -> Sequence[tuple[int, int]]:
    """Return begin and end of the values that have blanks in them without quotes."""
    found = []
    for place, (argument, start) in enumerate(zip(arguments, starts, strict=True)):
        key, relation, begin = _value_in(arguments, place)
        value = argument[begin:]
        if (
            key is not None
            and _is_grouped(key, relation, value)
            and not _is_several_terms(argument)
        ):
            _check_negation_is_clear(
                argument[:begin], key, relation, start + begin + value.index(" ") + 1
            )
            found.append((start + begin, start + len(argument)))
    return found


def _value_in(arguments: Sequence[str], place: int) -> tuple[Key | None, Relation, int]:
    """Return the key and sign of the value with which an argument ends, and where in it that value
    begins.
    """
    argument = arguments[place]
    if place >= 2 and arguments[place - 1] in SIGNS:
        return key_called(arguments[place - 2]), SIGNS[arguments[place - 1]][0], 0
    negation = _NEGATION.match(argument)
    head = COMPARISON.match(argument, negation.end() if negation else 0)
    if head is None:
        return None, Relation.IS, 0
    return key_called(head[1]), SIGNS[head[3]][0], head.end()


def _is_grouped(key: Key, relation: Relation, value: str) -> bool:
    """Say whether `value` is one value with blanks in it."""
    if " " not in value or value[0] in QUOTES or not key.takes_words:
        return False
    if key.name == "state" and relation is not Relation.MATCHES:
        return all(state_called(word) for word in value.split(","))
    words = value.split()
    if any(is_keyword(word) or COMPARISON.match(word) for word in words):
        return False
    if relation is Relation.MATCHES:
        return not any(quote in value for quote in QUOTES) and not any(
            word[0] in "-!(" for word in words
        )
    return all(_NAME_WITH_BLANKS.fullmatch(name) for name in value.split(","))


def _check_negation_is_clear(head: str, key: Key, relation: Relation, position: int) -> None:
    """Raise FilterError where a word behind a negated value may be a term: as part of the value it
    selects more.

    `not db:shop idle` reads like two terms. As one it would select the idle sessions of shop, too,
    and all others.
    """
    if key.name == "state" and relation is not Relation.MATCHES:
        return
    negation, sign = _NEGATION.match(head), COMPARISON.search(head)
    if (negation and negation[0]) or (sign and SIGNS[sign[3]][1]):
        raise FilterError(
            f'a negated value with blanks goes in quotes, as in not {key.name}:"my app"', position
        )


def _is_several_terms(argument: str) -> bool:
    """Say whether the argument is whole terms by itself, with every text among them marked as
    such.
    """
    try:
        return not any(term.is_loose for term in terms_of(FilterParser(argument).tree()))
    except FilterError:
        return False


def _check_is_marked(term: Term, arguments: Sequence[str], starts: Sequence[int]) -> None:
    """Raise FilterError for a word that may belong to the value before it in the same argument."""
    if not (term.is_loose or term.is_bare_pid):
        return
    place = bisect_right(starts, term.position) - 1
    before = _VALUE_BEFORE.search(arguments[place][: term.position - starts[place]])
    key = key_called(before[1]) if before else None
    if key is not None and key.takes_words and key.name != "state":
        value = term.values[0]
        what = (
            f"a pid is pid:{value}"
            if term.is_bare_pid
            else f"text to search goes in quotes ({quoted(value)})"
        )
        raise FilterError(
            f'{what}; a value with blanks goes in quotes, as in app:"my app"', term.position
        )
