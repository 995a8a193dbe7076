"""Commands for misspelt first words. A word remains the name of a database unless that fails."""

from collections.abc import Iterable

_LIKENESS = 0.8
"""Least likeness: `lock` and `locks` have 0.89. `shop`, a database, has 0.75 to `show`."""


def nearest_command(word: str | None, commands: Iterable[str]) -> str:
    """Return the command that the word resembles, or nothing."""
    from difflib import get_close_matches

    names = list(commands)
    if not word or word in names:
        return ""
    transposed = [name for name in names if sorted(name) == sorted(word)]
    nearest = transposed or get_close_matches(word, names, 1, _LIKENESS)
    return nearest[0] if nearest else ""


def question(command: str) -> str:
    """Return the sentence that proposes a command; nothing for none."""
    return f"Did you mean pgtop {command}?" if command else ""
