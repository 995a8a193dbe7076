"""`[actions.NAME]`: a program of the user's own, which a key starts for the row under the cursor.

No shell is started: the arguments are a list, and the value of a placeholder stays within one
argument, whatever it contains. Clients choose their names, so these may be anything: see
`arguments`.
"""

import re
from collections.abc import Mapping
from typing import Annotated, NamedTuple

from pgtop.config.mistakes import MistakeError, did_you_mean
from pgtop.config.program_words import (
    BRACES,
    check_runs_no_names,
    check_signals_nothing,
)
from pgtop.config.schema import Number, setting
from pgtop.text.clean import clean

SESSION = "session"
GROUP = "group"
ROOT = "root"
TEXT = "query"
"""The placeholder for a text, which needs `texts = true`."""
OF_SESSION = (
    "pid",
    "user",
    "database",
    "application",
    "client",
    "state",
    "host",
    "port",
    TEXT,
)
OF_GROUP = ("kind", "name", "host", "port")
_PLACEHOLDERS = {SESSION: OF_SESSION, ROOT: OF_SESSION, GROUP: OF_GROUP}
_LONGEST = 8 << 10
"""Characters of a value: a program's arguments together may have 128 KiB at least."""
_MOST_SECONDS = 600


def _program(texts: tuple[str, ...]) -> tuple[str, ...]:
    """Return a program and its arguments. Raises ValueError."""
    if not texts or not texts[0].strip():
        raise ValueError(
            'must be a program with its arguments, such as ["host", "{client}"]'
        )
    if BRACES.search(texts[0]):
        raise ValueError("must begin with a program, not with a placeholder")
    check_runs_no_names(texts)
    check_signals_nothing(texts)
    return texts


def _key(text: str) -> str:
    from pgtop.config.keymap import unusable
    from pgtop.key_names import key_called

    key = key_called(text)
    if not key:
        raise ValueError("must be one character, or a name such as F5 or Ctrl-T")
    if reason := unusable(key):
        raise ValueError(f"cannot be {text}: {reason}")
    return text


class OwnAction(NamedTuple):
    """A program of the user's own."""

    name: str
    run: Annotated[
        tuple[str, ...],
        setting(
            help="the program and its arguments, with placeholders in braces",
            parse=_program,
        ),
    ]
    key: Annotated[str, setting(help="its key, which must be free", parse=_key)] = ""
    on: Annotated[
        str,
        setting(
            help="the row that it is about: a session, a group of the connections,"
            " or the root of a lock tree",
            choices=(SESSION, GROUP, ROOT),
        ),
    ] = SESSION
    title: Annotated[str, setting(help="its words in help and palette")] = ""
    texts: Annotated[bool, setting(help="true if it may have the text of a query")] = (
        False
    )
    harmless: Annotated[
        bool, setting(help="true if read-only mode allows it: it changes nothing")
    ] = False
    seconds: Annotated[
        float,
        setting(
            help="seconds after which it is ended",
            parse=Number(1, _MOST_SECONDS, "number of seconds"),
        ),
    ] = 30.0

    @property
    def words(self) -> str:
        """The title, or the name."""
        return self.title or self.name


def check_action(action: OwnAction) -> None:
    """Raise ValueError for a placeholder that there is not, or a text that is not allowed."""
    known = _PLACEHOLDERS[action.on]
    for argument in action.run:
        for name in BRACES.findall(argument):
            if name not in known:
                listed = ", ".join(f"{{{each}}}" for each in known)
                raise MistakeError(
                    f"has {{{name}}}, but an action on a {action.on} has only {listed}",
                    did_you_mean(name, known),
                    ("run",),
                )
            if name == TEXT and not action.texts:
                what = f"has {{{name}}}, which needs texts = true"
                raise MistakeError(what, keys=("run",))


def arguments(action: OwnAction, values: Mapping[str, str | None]) -> tuple[str, ...]:
    """Return the program and its arguments. Raises ValueError with a sentence.

    A value is cleaned: no control character and no line break is left. One that begins with - is
    refused at the beginning of an argument, where the program would take it for an option.
    """
    return tuple(_argument(argument, values) for argument in action.run)


def _argument(template: str, values: Mapping[str, str | None]) -> str:
    def value(match: re.Match[str]) -> str:
        text = values.get(match[1])
        if not text:
            raise ValueError(f"{{{match[1]}}} is empty or not known here")
        cleaned = clean(text)[:_LONGEST]
        if match.start() == 0 and cleaned.startswith("-"):
            raise ValueError(f"{{{match[1]}}} begins with - and could be an option")
        return cleaned

    return BRACES.sub(value, template)
