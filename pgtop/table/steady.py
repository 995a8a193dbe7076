"""Widths that do not jump: a column grows at once, and shrinks only after a while."""

from collections.abc import Mapping
from typing import NamedTuple

from pgtop.model.timestamp import MICROSECONDS, Instant
from pgtop.table.fitting import Contents
from pgtop.table.layout import AnyColumn

SHRINKS_AFTER = 30 * MICROSECONDS
"""How long a column keeps a width that its contents no longer need."""
QUIET_AFTER_KEY = 5 * MICROSECONDS
"""How long no column shrinks after a key: the user's eye is on a row."""


class Kept(NamedTuple):
    """The cells of a column, and when its contents last needed them."""

    cells: int
    at: Instant


class SteadyContents(NamedTuple):
    """The cells that columns need, or needed a moment ago. Immutable."""

    kept: Mapping[AnyColumn, Kept] = {}
    """Never changed."""

    def after(
        self,
        contents: Contents,
        now: Instant,
        key_at: Instant | None = None,
    ) -> "SteadyContents":
        """Return the widths after a sample at `now`; the last key was pressed at `key_at`."""
        may_shrink = key_at is None or now - key_at >= QUIET_AFTER_KEY
        kept = {
            column: self._after(column, needed, now, may_shrink)
            for column, needed in contents
        }
        return SteadyContents(kept)

    def _after(
        self,
        column: AnyColumn,
        needed: int,
        now: Instant,
        may_shrink: bool,
    ) -> Kept:
        before = self.kept.get(column)
        if before is None or needed >= before.cells:
            return Kept(needed, now)
        is_over = may_shrink and now - before.at >= SHRINKS_AFTER
        return Kept(needed, now) if is_over else before

    @property
    def contents(self) -> Contents:
        """The cells to lay out by."""
        return tuple((column, kept.cells) for column, kept in self.kept.items())
