"""The vocabulary of a filter: its keys, the signs that go with each, and how their values are read.

The parser knows no key by name. `keys` has the vocabulary of sessions, and `column_keys` makes one
for the rows of any other table.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from pgtop.table.matchers import Matcher
from pgtop.table.predicates import Criterion

if TYPE_CHECKING:
    from pgtop.table.language.tree import Term


class Relation(StrEnum):
    """The relation of a term to its value, as the sign in the canonical text."""

    CONTAINS = ":"
    IS = "="
    MATCHES = "~"
    LESS = "<"
    AT_MOST = "<="
    MORE = ">"
    AT_LEAST = ">="


OPPOSITES = {
    Relation.LESS: Relation.AT_LEAST,
    Relation.AT_LEAST: Relation.LESS,
    Relation.MORE: Relation.AT_MOST,
    Relation.AT_MOST: Relation.MORE,
}
"""The relation that holds for a known number when the other one does not."""

TEXT_RELATIONS = frozenset({Relation.CONTAINS, Relation.IS, Relation.MATCHES})
TIME_RELATIONS = frozenset(
    {Relation.LESS, Relation.AT_MOST, Relation.MORE, Relation.AT_LEAST}
)
COUNT_RELATIONS = TIME_RELATIONS | {Relation.IS}
PID_RELATIONS = frozenset({Relation.CONTAINS, Relation.IS})

PLAIN_TEXT = r"[\w.@/#-]+"


class Value(NamedTuple):
    """A value without its quotes, and the position at which it begins."""

    text: str
    position: int


@dataclass(frozen=True)
class ParsedComparison:
    """A comparison as a key has read it, in the canonical form."""

    criterion: Criterion
    relation: Relation
    values: tuple[str, ...]


Reader: TypeAlias = Callable[["Key", Relation, Sequence[Value]], ParsedComparison]


@dataclass(frozen=True, eq=False)
class Key:
    """A key of the language."""

    name: str
    meaning: str
    """What the key compares, and which rows have it."""
    example: str
    relations: frozenset[Relation]
    reader: Reader
    phrase: "Callable[[Term], str]"
    """Describes a term of this key in plain words."""
    plain: str = PLAIN_TEXT
    """A pattern of the values that need no quotes."""
    plural: str = ""
    """What a row has only one of, so that two different ones contradict each other."""

    def read(self, relation: Relation, values: Sequence[Value]) -> ParsedComparison:
        """Read a comparison. Raises FilterError."""
        return self.reader(self, relation, values)

    @property
    def takes_words(self) -> bool:
        """True if a value may contain blanks."""
        return Relation.MATCHES in self.relations

    @property
    def contains(self) -> bool:
        """True if `:` searches for its value anywhere in a column."""
        return self.takes_words and self.plain == PLAIN_TEXT

    @property
    def takes_lists(self) -> bool:
        """True if `:` and `=` take several values."""
        return Relation.MORE not in self.relations

    @property
    def is_time(self) -> bool:
        """True if its values are durations."""
        return self.relations == TIME_RELATIONS


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """The keys for one kind of row."""

    keys: Mapping[str, Key]
    any_column: Callable[[Matcher], Criterion]
    """Searches all columns for a text that stands alone."""
    other_names: Mapping[str, str] = field(default_factory=dict)
    suggestions: Mapping[str, str] = field(default_factory=dict)
    """Names that are no keys, and the key that each most likely stands for."""
    number_key: Key | None = None
    """The key of a number that stands alone; without one, such a number is text."""

    @property
    def example(self) -> str:
        """The example of the first key."""
        return next(iter(self.keys.values())).example

    @property
    def examples(self) -> str:
        """An example with a text, and one with a number, if there are such keys."""
        texts = [key.example for key in self.keys.values() if key.contains]
        numbers = [key.example for key in self.keys.values() if not key.takes_lists]
        return " or ".join([*texts[:1], *numbers[:1]])

    def key_called(self, name: str) -> Key | None:
        """Return the key with that name, or with that other name."""
        plain = normalized(name)
        return self.keys.get(self.other_names.get(plain, plain))

    @property
    def names(self) -> tuple[str, ...]:
        """All names that a key has."""
        return (*self.keys, *self.other_names)

    def nearest(self, name: str) -> str:
        """Return the key name that an unknown name most likely stands for, or ""."""
        import difflib  # only for a mistyped key

        plain = normalized(name)
        if plain in self.suggestions:
            return self.suggestions[plain]
        return next(iter(difflib.get_close_matches(plain, self.names, n=1)), "")


def normalized(name: str) -> str:
    """Return the name of a key as it is compared: in lower case, with hyphens."""
    return name.lower().replace("_", "-")
