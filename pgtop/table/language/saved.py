"""Saved filters: `@name` stands for a filter that the user's configuration has under that name.

The terms of the saved filter become terms of the filter that names it, so all that is shown of the
whole, the sentence above all, shows what `@name` stands for.
"""

import re

from pgtop.table.language.quoting import Saved
from pgtop.table.language.scanner import FilterScanner

_NAME = re.compile(r"[A-Za-z0-9_-]+")
_MOST_NAMED = 8
"""Names in the sentence about an unknown one."""


def take_saved(scanner: FilterScanner, saved: Saved) -> tuple[str, str]:
    """Read a name behind an @, and return it with its filter. Raises FilterError."""
    start = scanner.position
    scanner.position += 1
    name = scanner.take_word(_NAME)
    text = (saved or {}).get(name, "")
    if not text.strip():
        scanner.position = start
        problem = _problem(name, saved)
        scanner.fail(f"{problem}; text that begins with @ goes in quotes")
    return name, text


def _problem(name: str, saved: Saved) -> str:
    if saved is None:
        return "a saved filter cannot be named here: write its terms"
    if name in saved:
        return f"the saved filter @{name} is empty"
    if not saved:
        return f"there is no saved filter @{name}: the configuration has none under [filters]"
    names = ", ".join(f"@{each}" for each in [*saved][:_MOST_NAMED])
    return f"there is no saved filter @{name}: use one of {names}"
