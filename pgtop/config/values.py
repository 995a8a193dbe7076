"""Values of fields, read from a configuration file or from the text of a variable.

A wrong value raises ValueError with the end of a sentence that begins with its key: "must be …".
"""

import types
from collections.abc import Mapping
from typing import Any, get_args, get_origin

from pgtop.config.mistakes import MistakeError, did_you_mean
from pgtop.config.schema import DURATION, Duration, Field, Number

_TRUE = ("true", "yes", "on", "1")
_FALSE = ("false", "no", "off", "0")
_BOOLEAN = "true or false"


def bare_type(field: Field) -> Any:
    """Return bool, int, float, str, tuple or Mapping: the field's type without what it holds."""
    kind = field.type
    if isinstance(kind, types.UnionType):
        kind = next(each for each in get_args(kind) if each is not type(None))
    return get_origin(kind) or kind


def choices_of(field: Field) -> tuple[str, ...]:
    """Return the words that the field is one of; nothing for a field with any other value."""
    words = [option.choices for option in field.options]
    if field.setting:
        words.append(field.setting.choices)
    return next(filter(None, words), ())


def bounds_of(field: Field) -> Number | None:
    """Return the bounds of a number."""
    readers = [option.parse for option in field.options]
    if field.setting and field.setting.parse:
        readers.append(field.setting.parse)
    return next((each for each in readers if isinstance(each, Number)), None)


def is_duration(field: Field) -> bool:
    """Return whether the field is a time."""
    return field.setting is not None and isinstance(field.setting.parse, Duration)


def expectation(field: Field) -> str:
    """Return in words which values are right."""
    kind = bare_type(field)
    if kind is bool:
        return _BOOLEAN
    if is_duration(field):
        return 'a time, in seconds or such as "90s" or "1h30m"'
    if choices := choices_of(field):
        return f"one of {', '.join(choices)}"
    if bounds := bounds_of(field):
        return f"a {bounds.noun} from {bounds.least:g} to {bounds.most:g}"
    return _KINDS[kind]


def described(field: Field, meaning: str) -> str:
    """Return what a field means, and which values are right unless the meaning has them."""
    choices = choices_of(field)
    bounds = bounds_of(field)
    if bare_type(field) is bool:
        is_there = meaning.startswith("true if")
    elif choices:
        is_there = all(word in meaning for word in choices)
    else:
        limits = f"{bounds.least:g} to {bounds.most:g}" if bounds else ""
        is_there = bool(limits) and limits in meaning
    return meaning if is_there else f"{meaning}: {expectation(field)}"


_KINDS: Mapping[Any, str] = {
    str: "a text in quotes",
    int: "a whole number",
    float: "a number",
    tuple: 'a list of texts, as in ["one", "another"]',
    Mapping: "a table",
}


# From a file.


def from_file(field: Field, value: object) -> Any:
    """Return the value of a field for one that TOML has. Raises ValueError."""
    kind = bare_type(field)
    if is_duration(field):
        return _seconds(field, value)
    if not _is_of_kind(kind, value):
        raise _wrong(field)
    return _checked(
        field, _number_of(field, value) if kind is float else _frozen(value)
    )


def _number_of(field: Field, value: Any) -> float:
    try:
        return float(value)
    except OverflowError:  # a whole number of more than 308 digits
        raise _wrong(field) from None


def _is_of_kind(kind: Any, value: object) -> bool:
    if kind is tuple:
        return isinstance(value, list) and all(map(_is_text, value))
    if kind is str:
        return _is_text(value)
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, kind)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _frozen(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def _seconds(field: Field, value: object) -> float:
    """Return the seconds of a time."""
    if not _is_text(value) and not _is_of_kind(float, value):
        raise _wrong(field)
    try:
        return float(DURATION(value))
    except (ValueError, OverflowError):
        raise _wrong(field) from None


# From text.


def from_text(field: Field, text: str) -> Any:
    """Return the value of a field for the text of a variable. Raises ValueError.

    Each line of the text is an item of a list.
    """
    kind = bare_type(field)
    if is_duration(field):
        return _seconds(field, text)
    if kind is bool:
        return _boolean(text)
    if kind is tuple:
        return _checked(field, tuple(filter(None, map(str.strip, text.splitlines()))))
    if kind in (int, float):
        return _checked(field, _number(field, kind, text))
    return _checked(field, text)


def _boolean(text: str) -> bool:
    word = text.strip().lower()
    if word not in (*_TRUE, *_FALSE):
        raise ValueError(f"must be {_BOOLEAN}")
    return word in _TRUE


def _number(field: Field, kind: Any, text: str) -> Any:
    try:
        return kind(text.strip())
    except ValueError:
        raise _wrong(field) from None


# Both.


def _checked(field: Field, value: Any) -> Any:
    """Return the value if it is within bounds, one of the choices, and right for its own reader."""
    _check_printable(value)
    bounds = bounds_of(field)
    if bounds and not bounds.least <= value <= bounds.most:
        raise _wrong(field)
    choices = choices_of(field)
    if choices and value not in (*choices, field.default):
        raise MistakeError(
            f"must be {expectation(field)}", did_you_mean(value, choices)
        )
    parse = field.setting.parse if field.setting else None
    return parse(value) if parse and not bounds else value


def _check_printable(value: object) -> None:
    texts = value if isinstance(value, tuple) else (value,)
    for text in texts:
        if isinstance(text, str) and not text.isprintable():
            raise ValueError("must have no control characters")


def _wrong(field: Field) -> ValueError:
    return ValueError(f"must be {expectation(field)}")
