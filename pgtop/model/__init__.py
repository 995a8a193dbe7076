"""Immutable facts about one instant of one server. Standard library only, nothing computed, nothing
cleaned.

Every text here is as the server sent it, and therefore hostile: all output to a terminal passes
through `pgtop.text.clean`.

Records are named tuples: a dataclass takes eight times as long to define (580 µs and 70), which is
55 ms of start-up for the hundred records of the dashboard, and five times as long to make (2.6 µs
and 0.5), which is 20 ms a sample of 10,000 sessions (`python -m tests.benchmarks.records`). A
dataclass is for what caches values derived from it (`Snapshot`, `LockForest`, `Filter`), and for
what is identical only to itself (`Column`, `Palette`). Tuples of equal values are equal whatever
they are called: `Contains("a")` is `Equals("a")` to a cache.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

EMPTY: Final[Mapping[Any, Any]] = MappingProxyType({})
"""An empty mapping that cannot change: the default of a record's field."""

OWN_COMMENT = "/*pgtop*/"
"""The comment in front of pgtop's own statements: a server's log and pg_stat_statements keep it."""
