"""What is asked of the sessions: a filter in the language of `/`, as a value.

The language is loaded with the first filter that asks something: a screen without one starts
sooner.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.model.backend import Backend
from pgtop.table.language.errors import FilterError
from pgtop.table.language.quoting import quoted

if TYPE_CHECKING:
    from pgtop.table.language.meaning import Meaning

__all__ = ["Filter", "FilterError", "quoted"]


@dataclass(frozen=True, slots=True)
class Filter:
    """What is asked of the sessions; "" asks nothing. Filters are equal if they ask the same in the
    same order.
    """

    text: str = field(default="", compare=False)
    canonical: str = field(init=False, repr=False)
    """A text of the language that is read back as an equal filter."""
    _meaning: "Meaning | None" = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        meaning = _meaning_of(self.text)
        object.__setattr__(self, "_meaning", meaning)
        object.__setattr__(self, "canonical", "" if meaning is None else meaning.canonical)

    @classmethod
    def parse(cls, text: str) -> "Filter":
        """Read `text`. FilterError says at which character it cannot be read, and what is right."""
        return cls(text)

    @classmethod
    def of_arguments(cls, arguments: Sequence[str]) -> "Filter":
        """Read the words of a command line: each is one term or several whole ones.

        FilterError counts characters of the arguments joined by single blanks. `text` is the
        canonical one where the shell has grouped what would need quotes.
        """
        from pgtop.table.language.arguments import text_of  # only for commands

        return cls(text_of(arguments))

    @classmethod
    def of_option(cls, text: str) -> "Filter":
        """Read the value of an option: the same as on the screen, and where that would split a
        value with blanks, none.

        `state:idle in transaction` is that state, as on the command line.
        """
        chosen = cls.of_arguments([text])
        try:
            plain = cls(text)
        except FilterError:
            return chosen
        if plain != chosen:
            raise FilterError(
                'a value with blanks goes in quotes, as in app:"my app", and text too',
                plain._first_loose,
            )
        return chosen

    def check_for_signals(self) -> None:
        """Raise FilterError for what may not decide about a signal, as a shell or a slip may have
        made it so wide.
        """
        if self._meaning is None:
            raise FilterError(
                "the filter is empty: give a term, pids, or --all-clients for every client session",
                0,
            )
        self._meaning.check_for_signals()

    def check_for_protection(self) -> None:
        """Raise FilterError for what may not decide about protection, as a shell may have made it
        protect none.
        """
        if self._meaning is not None:
            self._meaning.check_for_protection()

    @property
    def understood(self) -> str:
        """The filter in plain words that go on from "sessions"; "" for the empty filter."""
        return "" if self._meaning is None else self._meaning.understood

    @property
    def reads_queries(self) -> bool:
        """True if it asks for words in a query's text, be it by `query:` or by text that may stand
        in any column.
        """
        return self._meaning is not None and any(
            term.key in ("", "query") for term in self._meaning.terms
        )

    def on(self, picture: Any) -> Callable[[Any], bool]:
        """Prepare the test that is true of the sessions of `picture` for which the filter surely
        holds.

        One pass over them shares a limit of time for its patterns. The test raises FilterError when
        a pattern takes too long: on one session, or on all of them together. Show it like an error
        of parsing, at its position, and leave the sessions as they were before it.
        """
        return _everybody if self._meaning is None else self._meaning.on(picture)

    def decide(self, picture: DerivedSnapshot) -> Callable[[Backend], bool | None]:
        """Prepare the three-valued test: None where what can be known of a session leaves it
        undecided.

        FilterError as with `on`.
        """
        return _everybody if self._meaning is None else self._meaning.decide(picture)

    def matches(self, backend: Backend, picture: DerivedSnapshot) -> bool:
        """Return whether the filter surely holds of this one session. For many use `on`;
        FilterError as there.
        """
        return self.on(picture)(backend)

    @property
    def _first_loose(self) -> int:
        """Where the first word stands that may be anything."""
        terms = () if self._meaning is None else self._meaning.terms
        return next((term.position for term in terms if term.is_loose), 0)


def _meaning_of(text: str) -> "Meaning | None":
    if not text.strip():
        return None
    from pgtop.table.language.meaning import Meaning

    return Meaning.of(text)


def _everybody(_: Backend) -> bool:
    return True
