"""Names of the user's own, such as that of a server."""

_LONGEST = 40
NAME_RULE = f"a name has up to {_LONGEST} letters, digits, - and _"


def is_name(name: str) -> bool:
    """Return whether a name can be typed after @, and stands in a table's head without quotes."""
    letters = name.replace("-", "").replace("_", "")
    return letters.isascii() and letters.isalnum() and len(name) <= _LONGEST
