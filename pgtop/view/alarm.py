"""The line above every screen while sessions wait for locks: how many, how long, and for what."""

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.analysis.graph import Key
from pgtop.analysis.lock_forest import LockForest, Node
from pgtop.model.timestamp import seconds_between
from pgtop.text.clean import clean
from pgtop.text.tone import Span, Tone
from pgtop.text.units import age
from pgtop.text.wrap import Line
from pgtop.view.lock_phrases import (
    APPROXIMATE,
    REPLAY,
    is_replay,
    listed,
    root_does,
    root_name,
)


def summary(derived: DerivedSnapshot) -> Line:
    """Return how many sessions wait, the root that most of them wait for, and how long.

    () if no session waits.
    """
    forest = derived.forest
    if not forest.waiting:
        return ()
    root = forest.roots[0]
    waiting = f"{forest.waiting} waiting"
    wait = _longest_words(root, derived)
    name = f"root {root_name(root)}"
    notes = _notes(forest)
    if notes:
        place = f"{wait} on {name}" if wait else name
        words = f"{', '.join((waiting, *notes))}; {place}"
    else:
        words = ", ".join(filter(None, (waiting, wait, name)))
    does = root_does(root, derived)
    parts = (words, f" ({does})") if does else (words,)
    return tuple(Span(clean(part), Tone.ALARM) for part in parts)


def _notes(forest: LockForest) -> list[str]:
    """Return what else is worth a word: several roots, deadlocks, the replay of a standby."""
    notes = [f"{len(forest.roots)} roots"] if len(forest.roots) > 1 else []
    notes += [f"deadlock {listed(cycle, forest)}" for cycle in _deadlocks(forest)]
    if any(map(is_replay, forest.nodes.values())):
        notes.append(REPLAY)
    return notes


def _longest_words(root: Node, derived: DerivedSnapshot) -> str:
    """Return the longest wait of the waiters of `root`; marked as approximate where its start is
    not known exactly.
    """
    first = derived.forest.longest_wait(root.key)
    if first is None or first.since is None:
        return ""
    mark = "" if first.is_since_exact else APPROXIMATE
    return f"longest {mark}{age(seconds_between(first.since, derived.now))}"


def _deadlocks(forest: LockForest) -> list[tuple[Key, ...]]:
    """Return each certain deadlock once."""
    return [cycle for cycle in forest.cycles if forest.is_surely_deadlocked(cycle)]
