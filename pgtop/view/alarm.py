"""The line above every screen while anybody waits for a lock: how many, how long, and for whom."""

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.analysis.graph import Key
from pgtop.analysis.lock_forest import LockForest, Node
from pgtop.model.timestamp import seconds_between
from pgtop.text.clean import clean
from pgtop.text.tone import Span, Tone
from pgtop.text.units import age
from pgtop.text.wrap import Line
from pgtop.view.lock_phrases import APPROXIMATE, REPLAY, is_replay, listed, root_does, root_name


def summary(picture: DerivedSnapshot) -> Line:
    """How many wait, and who is at the root of most of it and for how long; () when nobody
    waits.
    """
    forest = picture.forest
    if not forest.waiting:
        return ()
    root, *others = forest.roots
    name, does, wait = root_name(root), root_does(root, picture), _longest_words(root, picture)
    more = [f"{len(others) + 1} roots"] if others else []
    more += [f"deadlock {listed(circle, forest)}" for circle in _deadlocks(forest)]
    more += [REPLAY] if any(map(is_replay, forest.nodes.values())) else []
    words = ", ".join(filter(None, (f"{forest.waiting} waiting", wait, f"root {name}")))
    if more:
        words = f"{', '.join((f'{forest.waiting} waiting', *more))}; {wait}{' on ' if wait else ''}root {name}"
    return tuple(
        Span(clean(part), Tone.ALARM) for part in (words, f" ({does})" if does else "") if part
    )


def _longest_words(root: Node, picture: DerivedSnapshot) -> str:
    """How long those that hang on `root` have waited at most; only about, where the wait's own
    start is not known.
    """
    first = picture.forest.longest_wait(root.key)
    if first is None or first.since is None:
        return ""
    return f"longest {'' if first.is_since_exact else APPROXIMATE}{age(seconds_between(first.since, picture.now))}"


def _deadlocks(forest: LockForest) -> list[tuple[Key, ...]]:
    """Each that is sure, once."""
    return [circle for circle in forest.cycles if forest.is_surely_deadlocked(circle)]
