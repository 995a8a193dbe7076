"""What a filter may still become while it is being typed."""

import re

from pgtop.table.language.keys import KEYS, OTHER_NAMES

_LAST_WORD = re.compile(r"(?:^|[\s(!-])([^\W\d_][\w-]*)$")
_NAMES = (*KEYS, *OTHER_NAMES)


def unfinished_key(text: str) -> str:
    """Return the last word of `text` if it may still become the key of a term; "" otherwise.

    Applied as it stands, such a word would search every column for the beginning of a key.
    """
    found = _LAST_WORD.search(text)
    word = found[1] if found else ""
    return word if word and any(name.startswith(word.lower()) for name in _NAMES) else ""


def without_fragment(in_force: str, text: str) -> str:
    """Return the filter that stays in force while `text` cannot be read.

    It is the last good one, less its last word where that was only the beginning of the term that
    is wrong now: `foer` searched every column until the colon of `foer:x` made it an unknown key.
    """
    found = _LAST_WORD.search(in_force)
    grows = text.startswith(in_force) and not text[len(in_force) :][:1].isspace()
    return in_force[: found.start(1)] if found and grows else in_force
