"""How records are made here: as named tuples.

A dataclass takes seven times as long to define (330 µs and 44), and there are fifty of them before
the first picture. A dataclass is for what keeps that which follows from it (`Snapshot`, `Forest`,
`Filter`), and for what is itself whatever its values (`Column`, `Palette`). Tuples of equal values
are equal whatever they are called: `Contains("a")` is `Equals("a")` to a cache.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

EMPTY: Final[Mapping[Any, Any]] = MappingProxyType({})
"""A mapping of nothing, which nobody can change: a record's default."""
