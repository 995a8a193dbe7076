"""A line of keys, each of which can be clicked."""

from functools import lru_cache
from typing import NamedTuple

from pgtop.actions import Action
from pgtop.text.clean import cells
from pgtop.text.tone import Span, Tone
from pgtop.text.wrap import Line


class KeyPlace(NamedTuple):
    """The place of an action in a line of keys: its first column, and the one after its last."""

    start: int
    end: int
    call: str


class KeyLine(NamedTuple):
    """A line, and what a click on it calls."""

    line: Line
    places: tuple[KeyPlace, ...]


NO_KEYS = KeyLine((), ())


@lru_cache(maxsize=8)
def following(actions: tuple[Action, ...], word: str) -> tuple[Action, ...]:
    """Return the actions with a word on the key that follows blockers, or without that key."""
    places = [place for place, action in enumerate(actions) if action.id == "follow"]
    if not places:
        return actions
    [place] = places
    step = (actions[place]._replace(short=word),) if word else ()
    return (*actions[:place], *step, *actions[place + 1 :])


@lru_cache(maxsize=4)
def for_fold(actions: tuple[Action, ...], is_unfolded: bool) -> tuple[Action, ...]:
    """Return the actions of a row that stands for idle sessions: those that show them come first
    behind help and quit.
    """
    words = {"tag": "fold" if is_unfolded else "unfold", "open": "these sessions"}
    named = [each._replace(short=words.get(each.id, each.short)) for each in actions]
    opening = [each for each in named if each.id in words]
    others = [each for each in named if each.id not in words]
    return (*others[:2], *opening, *others[2:])


@lru_cache(maxsize=16)
def key_line(actions: tuple[Action, ...], width: int) -> KeyLine:
    """Return as many of the actions as fit whole, the first ones first."""
    spans: list[Span] = []
    places: list[KeyPlace] = []
    x = 0
    for action in actions:
        key = action.key_names[0]
        words = f" {action.short}  "
        end = x + cells(key + words)
        if end - 2 > width:
            break
        spans += [Span(key, Tone.STRONG), Span(words, Tone.QUIET)]
        places.append(KeyPlace(x, end - 2, action.call or action.id))
        x = end
    return KeyLine(tuple(spans), tuple(places))
