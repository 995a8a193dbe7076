"""The filter while it is being typed."""

import re
from collections.abc import Iterable

_LAST_WORD = re.compile(r"(?:^|[\s(!-])([^\W\d_][\w-]*)$")


def unfinished_key(text: str, names: Iterable[str]) -> str:
    """Return the last word of `text` if it may become one of the names of keys, or "".

    Applied as it is, such a word would search every column for the beginning of a key.
    """
    match = _LAST_WORD.search(text)
    word = match[1].lower() if match else ""
    is_beginning = word != "" and any(name.startswith(word) for name in names)
    return match[1] if match and is_beginning else ""


def without_fragment(applied: str, text: str) -> str:
    """Return the filter that stays applied while `text` cannot be read.

    It is the last readable one, without its last word if that was only the beginning of the term
    that is wrong now: `foer` searched every column until the colon of `foer:x` made it an unknown
    key.
    """
    match = _LAST_WORD.search(applied)
    is_continued = text.startswith(applied) and not text[len(applied) :][:1].isspace()
    return applied[: match.start(1)] if match and is_continued else applied
