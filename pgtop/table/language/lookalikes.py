"""Characters that are not what they look like."""

from pgtop.table.language.errors import FilterError

_LOOKALIKES = {
    **dict.fromkeys("“”„‟«»″＂", '"'),
    **dict.fromkeys("‘’‚‛′´`＇", "'"),
    **dict.fromkeys("–—−‐‑‒―－¬", "-"),
    **dict.fromkeys("：∶", ":"),
    **dict.fromkeys("～∼", "~"),
    "＝": "=",
    "＞": ">",
    "＜": "<",
    "！": "!",
    "≠": "!=",
    "≥": ">=",
    "≤": "<=",
    "（": "(",
    "）": ")",
    "，": ",",
}
"""Characters that chats, editors and keyboards put in place of the signs of the language."""
_LINE_BLANKS = "\t\n\r"


def check_visible(text: str, position: int) -> None:
    """Raise FilterError for an invisible character: `db!="shop"` with one in it also holds for
    shop.
    """
    for offset, character in enumerate(text):
        if not character.isprintable() and character not in _LINE_BLANKS:
            raise _invisible(character, position + offset)


def check_unquoted(text: str, position: int) -> None:
    """Raise FilterError for an unquoted character that is invisible or looks like a sign of the
    language.
    """
    check_visible(text, position)
    for offset, character in enumerate(text):
        sign = _LOOKALIKES.get(character)
        if sign is None:
            continue
        advice = "write \" or '" if sign in "\"'" else f"write {sign}"
        raise FilterError(
            f"there is no `{character}`: {advice}; as text it goes in quotes",
            position + offset,
        )


def _invisible(character: str, position: int) -> FilterError:
    code = ord(character)
    name = "a character here cannot be seen"
    if character.isspace():
        name = "this blank is not an ordinary one"
    advice = f'remove it, or write \\u{{{code:x}}} in "…"'
    return FilterError(f"{name} (U+{code:04X}): {advice}", position)
