"""Mistakes in the configuration, all in one form: what is wrong, then what to write instead.

config.toml:3: there is no theme 'drak'. Did you mean dark? Use one of terminal, dark, light.
"""

from collections.abc import Iterable

_LONGEST_WORD = 60
"""Characters of a word that is compared with others."""


class MistakeError(ValueError):
    """Something wrong, as a sentence without its full stop."""

    def __init__(self, what: str, advice: str = "", keys: tuple[str, ...] = ()) -> None:
        super().__init__(what)
        self.advice = advice
        """A sentence about what to write instead, or ""."""
        self.keys = keys
        """The key with the mistake, below the table that is read; empty for the table itself."""


def advice_of(error: ValueError) -> str:
    """Return what to write instead; "" if the error has no advice."""
    return error.advice if isinstance(error, MistakeError) else ""


def keys_of(error: ValueError) -> tuple[str, ...]:
    """Return the key with the mistake, below the table that is read."""
    return error.keys if isinstance(error, MistakeError) else ()


def nearest(word: object, words: Iterable[str]) -> str:
    """Return the word most like `word`, in any case, or ""."""
    from difflib import get_close_matches

    spellings = {each.lower(): each for each in words}
    lower = str(word)[:_LONGEST_WORD].lower()
    matches = get_close_matches(lower, tuple(spellings), 1)
    return spellings[matches[0]] if matches else ""


def did_you_mean(word: object, words: Iterable[str]) -> str:
    """Return the nearest right spelling as a question, or ""."""
    spelling = nearest(word, words)
    return f"Did you mean {spelling}?" if spelling else ""


def one_of(word: object, words: Iterable[str]) -> str:
    """Return the nearest right spelling, and all right ones."""
    known = tuple(words)
    listed = f"Use one of {', '.join(known)}."
    return " ".join(filter(None, (did_you_mean(word, known), listed)))
