"""Backends that are the same in some fields: thousands of sessions have few different accounts."""

from collections import Counter
from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

from pgtop.model.backend import Backend


class Alike(NamedTuple):
    """A number of backends, one of which stands for all."""

    example: Backend
    size: int


class Fields:
    """The fields by which backends are compared."""

    def __init__(self, *names: str) -> None:
        self.names = names
        self.values_of = itemgetter(*map(Backend._fields.index, names))

    def sizes(self, backends: Iterable[Backend]) -> Counter[Any]:
        """Count the backends by their values; no code in Python runs for each of them."""
        return Counter(map(self.values_of, backends))

    def alike(self, backends: Sequence[Backend]) -> tuple[Alike, ...]:
        """Group the backends, as `sizes` does."""
        keys = list(map(self.values_of, backends))
        examples = dict(zip(keys, backends, strict=True))
        counts = Counter(keys)
        return tuple([Alike(examples[key], size) for key, size in counts.items()])


ACCOUNT = Fields("usesysid", "datid", "backend_type")
"""The fields that decide which connection limits count a backend."""
