"""Sessions that wait for locks, in one sentence: how many, how long, and for which root."""

from collections.abc import Sequence

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.analysis.graph import Key
from pgtop.analysis.lock_forest import LockForest, Node
from pgtop.table.session_state import state_in_full
from pgtop.text.clean import clean
from pgtop.text.tone import Span, Tone
from pgtop.text.wrap import Line
from pgtop.view.lock_phrases import (
    REPLAY,
    how_long,
    is_replay,
    listed,
    root_does,
    root_name,
    wait_words,
)

SIGN = "▲ "
"""Marks what needs action now, also on a screen without colour."""


def summary(derived: DerivedSnapshot) -> Line:
    """Return how many sessions wait, the root that most of them wait for, and how long.

    () if no session waits.
    """
    forest = derived.forest
    if not forest.waiting:
        return ()
    root = forest.roots[0]
    parts = [f"{forest.waiting} waiting", *_notes(forest)]
    wait = _longest(derived)
    words = f"{', '.join(parts)}{_place(root, wait, forest)}"
    does = root_does(root, derived)
    texts = (words, f" ({does})") if does else (words,)
    return tuple([Span(clean(text), Tone.ALARM) for text in texts])


def alarm_forms(derived: DerivedSnapshot) -> Sequence[Line]:
    """Return the summary as the header shows it, the longest form first; none if no session waits.

    How long the root has done so is left out: it is about as long as the longest wait, and both
    would be drawn every second.
    """
    forest = derived.forest
    if not forest.waiting:
        return ()
    root = forest.roots[0]
    plate = Span(f"{SIGN}{forest.waiting} waiting", Tone.ALARM_PLATE)
    notes = _notes(forest)
    noted = "".join([f", {note}" for note in notes])
    wait = _longest(derived)
    place = _place(root, wait, forest)
    whole = f"{noted}{place}"
    does = _what_it_does(root, derived)
    name = root_name(root)
    deadlock = ", deadlock," if _deadlocks(forest) else ""
    comma = "," if notes else ""
    texts = [
        f"{whole}, {does}" if does else whole,
        whole,
        f"{noted}{comma} {wait} for {name}",
        f"{deadlock} {wait} for {name}",
        f" {wait} for {name}",
        f" for {name}",
        "",
    ]
    return [(plate, Span(clean(text), Tone.ALARM)) for text in texts]


def _place(root: Node, wait: str, forest: LockForest) -> str:
    """Return the longest wait and the root that it is for, after what stands before them."""
    name = root_name(root)
    if len(forest.roots) == 1:
        longest = f", longest {wait}" if wait else ""
        return f"{longest}, all for {name}"
    return f"; longest {wait} for {name}" if wait else f"; most for {name}"


def _what_it_does(root: Node, derived: DerivedSnapshot) -> str:
    if root.backend is None:
        return how_long(root, derived)
    return "waiting" if root.is_waiting else state_in_full(root.backend)


def _notes(forest: LockForest) -> list[str]:
    """Return what else is worth a word: several roots, deadlocks, the replay of a standby."""
    notes = [f"deadlock {listed(cycle, forest)}" for cycle in _deadlocks(forest)]
    if len(forest.roots) > 1:
        notes.append(f"{len(forest.roots)} roots")
    if any(map(is_replay, forest.nodes.values())):
        notes.append(REPLAY)
    return notes


def _longest(derived: DerivedSnapshot) -> str:
    """Return the longest wait for the worst root; marked as approximate where its start is not
    known exactly.
    """
    return wait_words(derived.forest.longest_wait_for_worst, derived)


def _deadlocks(forest: LockForest) -> list[tuple[Key, ...]]:
    """Return each certain deadlock once."""
    return [cycle for cycle in forest.cycles if forest.is_surely_deadlocked(cycle)]
