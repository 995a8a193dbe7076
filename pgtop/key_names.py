"""The names of keys: as Textual calls them, and as people write them.

A key is Textual's name everywhere in the code. A name that people write occurs on the screen, in
the documentation and in a user's configuration.
"""

from collections.abc import Mapping

KEY_NAMES: Mapping[str, str] = {
    "up": "Up",
    "down": "Down",
    "left": "Left",
    "right": "Right",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "home": "Home",
    "end": "End",
    "insert": "Ins",
    "delete": "Del",
    "backspace": "Backspace",
    "enter": "Enter",
    "escape": "Esc",
    "space": "Space",
    "tab": "Tab",
    "shift+tab": "Shift-Tab",
    "exclamation_mark": "!",
    "quotation_mark": '"',
    "number_sign": "#",
    "dollar_sign": "$",
    "percent_sign": "%",
    "ampersand": "&",
    "apostrophe": "'",
    "left_parenthesis": "(",
    "right_parenthesis": ")",
    "asterisk": "*",
    "plus": "+",
    "comma": ",",
    "minus": "-",
    "full_stop": ".",
    "slash": "/",
    "colon": ":",
    "semicolon": ";",
    "less_than_sign": "<",
    "equals_sign": "=",
    "greater_than_sign": ">",
    "question_mark": "?",
    "at": "@",
    "left_square_bracket": "[",
    "backslash": "\\",
    "right_square_bracket": "]",
    "circumflex_accent": "^",
    "underscore": "_",
    "grave_accent": "`",
    "left_curly_bracket": "{",
    "vertical_line": "|",
    "right_curly_bracket": "}",
    "tilde": "~",
}
"""Keys whose names differ from what people write, but for those with Ctrl and a number."""

_OTHER_NAMES = {
    "escape": "escape",
    "return": "enter",
    "pageup": "pageup",
    "page_up": "pageup",
    "pagedown": "pagedown",
    "page_down": "pagedown",
    "insert": "insert",
    "delete": "delete",
    "blank": "space",
}
"""Names that people write too, in lower case."""
_NAMED = {name.lower(): key for key, name in KEY_NAMES.items() if len(name) > 1}
_SIGNS = {name: key for key, name in KEY_NAMES.items() if len(name) == 1}
_CTRL = "ctrl+"
_LAST_FUNCTION_KEY = 12


def name_of(key: str) -> str:
    """Return a key as people write it."""
    if key.startswith(_CTRL):
        return f"Ctrl-{key.removeprefix(_CTRL).upper()}"
    if _is_function_key(key):
        return key.upper()
    return KEY_NAMES.get(key, key)


def key_called(name: str) -> str:
    """Return the key that people call `name`, in any case but for letters; "" if there is none."""
    if len(name) == 1:
        return name if name.isalnum() else _SIGNS.get(name, "")
    lower = name.lower()
    control = lower.removeprefix("ctrl-").removeprefix(_CTRL)
    if control != lower:
        is_letter = len(control) == 1 and control.isascii() and control.isalpha()
        return f"{_CTRL}{control}" if is_letter else ""
    if _is_function_key(lower):
        return lower
    return _NAMED.get(lower) or _OTHER_NAMES.get(lower, "")


def _is_function_key(name: str) -> bool:
    number = name.removeprefix("f")
    is_number = number != name and number.isascii() and number.isdigit()
    return is_number and number == str(int(number)) and _has_key(int(number))


def _has_key(number: int) -> bool:
    return 1 <= number <= _LAST_FUNCTION_KEY
