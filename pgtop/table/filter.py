"""A filter in the language of `/`, as an immutable value.

The language is loaded with the first filter that is not empty: a screen without one starts sooner.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from pgtop.table.language.errors import FilterError
from pgtop.table.language.quoting import Saved, quoted

if TYPE_CHECKING:
    from pgtop.table.language.parsed import ParsedFilter
    from pgtop.table.language.tree import Term
    from pgtop.table.language.vocabulary import Vocabulary

__all__ = ["Filter", "FilterError", "Saved", "quoted"]


class Filter:
    """A filter of rows, immutable; "" selects all. Filters are equal if they have the same terms in
    the same order.
    """

    __slots__ = ("_parsed", "_text")

    def __init__(
        self,
        text: str = "",
        vocabulary: "Vocabulary | None" = None,
        saved: Saved = None,
    ) -> None:
        """Parse `text`; `vocabulary` has the keys of the rows, None stands for sessions, and
        `saved` the filters that `@name` stands for, if one may be named.

        FilterError has the position of the unreadable character, and the remedy.
        """
        self._text = text
        self._parsed = _parse(text, vocabulary, saved)

    @property
    def text(self) -> str:
        """The text as it was written."""
        return self._text

    @property
    def canonical(self) -> str:
        """A text of the language that is read back as an equal filter."""
        return "" if self._parsed is None else self._parsed.canonical

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Filter) and self.canonical == other.canonical

    def __hash__(self) -> int:
        return hash(self.canonical)

    def __repr__(self) -> str:
        return f"Filter({self._text!r})"

    @classmethod
    def of_arguments(cls, arguments: Sequence[str], saved: Saved = None) -> "Filter":
        """Parse the words of a command line: each is one term or several whole ones.

        FilterError counts characters of the arguments joined by single blanks. `text` is the
        canonical one if the shell has grouped a value that would need quotes.
        """
        from pgtop.table.language.arguments import text_of  # only for commands

        return cls(text_of(arguments, saved), saved=saved)

    @classmethod
    def of_option(cls, text: str, saved: Saved = None) -> "Filter":
        """Parse the value of an option: as on the screen, but refuse a text that the screen would
        split within a value with blanks.

        `state:idle in transaction` is that state, as on the command line.
        """
        as_argument = cls.of_arguments([text], saved)
        try:
            as_on_screen = cls(text, saved=saved)
        except FilterError:
            return as_argument
        if as_on_screen != as_argument:
            raise FilterError(
                'put values and text with blanks in quotes, as in app:"my app"',
                as_on_screen._first_unmarked,
            )
        return as_argument

    def check_for_signals(self) -> None:
        """Raise FilterError for a filter that may not decide about a signal: a shell or a slip may
        have widened it.
        """
        if self._parsed is None:
            raise FilterError(
                "the filter is empty: give a term, pids, or --all-clients for every client session",
                0,
            )
        self._parsed.check_for_signals()

    def check_for_protection(self) -> None:
        """Raise FilterError for a filter that may not decide about protection: a shell may have
        made it protect nothing.
        """
        if self._parsed is not None:
            self._parsed.check_for_protection()

    @property
    def understood(self) -> str:
        """The filter in plain words that continue "sessions"; "" for the empty filter."""
        return "" if self._parsed is None else self._parsed.understood

    @property
    def reads_queries(self) -> bool:
        """True if it searches the text of queries, by `query:` or by text in any column."""
        if self._parsed is None:
            return False
        return any(term.key_name in ("", "query") for term in self._parsed.terms)

    @property
    def reads_clients(self) -> bool:
        """True if it asks for what a pooler may know of a session."""
        if self._parsed is None:
            return False
        return any(term.key_name in _OF_CLIENTS for term in self._parsed.terms)

    @property
    def wanted_terms(self) -> "tuple[Term, ...]":
        """The terms that are not negated."""
        return () if self._parsed is None else self._parsed.wanted_terms

    def on(self, context: Any) -> Callable[[Any], bool]:
        """Prepare the test that is true for the rows that surely match; for sessions, `context` is
        the derived snapshot.

        All patterns of one pass share a time limit. The test raises FilterError when a pattern
        takes too long, on one row or on all together. Show that like a parse error, at its
        position, and keep the rows as they were.
        """
        return _match_all if self._parsed is None else self._parsed.on(context)

    def decide(self, context: Any) -> Callable[[Any], bool | None]:
        """Prepare the three-valued test: None if what is known of a row leaves it undecided.

        FilterError as with `on`.
        """
        return _match_all if self._parsed is None else self._parsed.decide(context)

    def matches(self, row: Any, context: Any) -> bool:
        """Return whether this one row surely matches; for many, use `on`. FilterError as there."""
        return self.on(context)(row)

    @property
    def _first_unmarked(self) -> int:
        """The position of the first word without key and quotes."""
        terms = () if self._parsed is None else self._parsed.terms
        return next((term.position for term in terms if term.is_unmarked), 0)


_OF_CLIENTS = ("", "client", "app", "pool")
"""The keys of what a pooler knows; "" is a text in any column."""


def _parse(
    text: str, vocabulary: "Vocabulary | None", saved: Saved
) -> "ParsedFilter | None":
    if not text.strip():
        return None
    from pgtop.table.language.parsed import ParsedFilter

    if vocabulary is None:
        from pgtop.table.language.keys import SESSION_VOCABULARY

        return ParsedFilter.parse(text, SESSION_VOCABULARY, saved)
    return ParsedFilter.parse(text, vocabulary, saved)


def _match_all(_: Any) -> bool:
    return True
