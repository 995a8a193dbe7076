"""What is asked of the sessions: a filter in the language of `/`, as a value."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from pgtop.model.backend import Backend
from pgtop.view.language.evaluation import fails, holds
from pgtop.view.language.help import FILTER_HELP, HelpEntry
from pgtop.view.language.parser import Parser
from pgtop.view.language.quoting import quoted
from pgtop.view.language.sentence import canonical, understood
from pgtop.view.language.tree import Node, Relation, Term, terms_of
from pgtop.view.picture import Picture
from pgtop.view.predicate import Decision, FilterError, Look, Test, matches_empty

__all__ = ["FILTER_HELP", "Filter", "FilterError", "HelpEntry", "quoted"]


@dataclass(frozen=True, slots=True)
class Filter:
    """What is asked of the sessions; "" asks nothing. Filters are equal if they ask the same in the same order."""

    text: str = field(default="", compare=False)
    _tree: Node = field(init=False, repr=False, compare=False)
    canonical: str = field(init=False, repr=False)
    """A text of the language that is read back as an equal filter."""

    def __post_init__(self) -> None:
        tree = Parser(self.text).tree()
        object.__setattr__(self, "_tree", tree)
        object.__setattr__(self, "canonical", canonical(tree))

    @classmethod
    def parse(cls, text: str) -> "Filter":
        """Read `text`. FilterError says at which character it cannot be read, and what is right."""
        return cls(text)

    @classmethod
    def of_arguments(cls, arguments: Sequence[str]) -> "Filter":
        """Read the words of a command line: each is one term or several whole ones.

        FilterError counts characters of the arguments joined by single blanks. `text` is the canonical one where the
        shell has grouped what would need quotes.
        """
        from pgtop.view.language.arguments import tree_of  # only for commands

        tree, is_text = tree_of(arguments)
        return cls(" ".join(arguments) if is_text else canonical(tree))

    @classmethod
    def of_option(cls, text: str) -> "Filter":
        """Read the value of an option: the same as on the screen, and where that would split a value with blanks, none.

        `state:idle in transaction` is that state, as on the command line.
        """
        chosen = cls.of_arguments([text])
        try:
            plain = cls(text)
        except FilterError:
            return chosen
        if plain != chosen:
            loose = next(term for term in terms_of(plain._tree) if term.is_loose)
            text = quoted(loose.values[0])
            raise FilterError(
                f'a value with blanks goes in quotes, as in app:"my app", and text to search ({text}) too',
                loose.position,
            )
        return chosen

    def check_for_signals(self) -> None:
        """Raise FilterError for what may not decide about a signal, as a shell or a slip may have made it so wide."""
        if not self.canonical:
            raise FilterError("the filter is empty: give a term, pids, or --all-clients for every client session", 0)
        for term in terms_of(self._tree):
            _check_term(term)

    @property
    def understood(self) -> str:
        """The filter in plain words that go on from "sessions"; "" for the empty filter."""
        return understood(self._tree)

    def on(self, picture: Picture) -> Test:
        """Prepare the test that is true of the sessions of `picture` for which the filter surely holds.

        One pass over them shares a limit of time for its patterns. The test raises FilterError when a pattern takes too
        long: on one session, or on all of them together. Show it like an error of parsing, at its position, and leave
        the sessions as they were before it.
        """
        return holds(self._tree, Look.at(picture))

    def decide(self, picture: Picture) -> Decision:
        """Prepare the three-valued test: None where what can be known of a session leaves it undecided.

        FilterError as with `on`.
        """
        look = Look.at(picture)
        surely, surely_not = holds(self._tree, look), fails(self._tree, look)

        def decide(backend: Backend) -> bool | None:
            return True if surely(backend) else False if surely_not(backend) else None

        return decide

    @property
    def reads_queries(self) -> bool:
        """True if it asks for words in a query's text, be it by `query:` or by text that may stand in any column."""
        return any(term.key in ("", "query") for term in terms_of(self._tree))

    def matches(self, backend: Backend, picture: Picture) -> bool:
        """Return whether the filter surely holds of this one session. For many use `on`; FilterError as there."""
        return self.on(picture)(backend)


def _check_term(term: Term) -> None:
    if term.is_loose:
        raise FilterError(
            f"a word alone may be anything: write {quoted(term.values[0])} in quotes to search it in every column, "
            "or a key as in db:shop",
            term.position,
        )
    if term.relation is Relation.MATCHES and matches_empty(term.criterion):
        raise FilterError(
            "the pattern matches the empty text, and so everything: write one that needs a character", term.position
        )
    if "" in term.values:
        key = term.key
        raise FilterError(f"a value is empty: if you mean so, write not {key}~. (or {key}~. for any)", term.position)
