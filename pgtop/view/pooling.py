"""The sentence about the application that a connection pooler would help most."""

from pgtop.analysis.breakdown import Share
from pgtop.analysis.pooling import PoolingHint
from pgtop.text.clean import clean
from pgtop.text.units import age

_WORTH_NAMING = 10
"""Seconds from which the use of the connections has been watched long enough."""


def pooling_words(hint: PoolingHint) -> str:
    """Return the connections that the application holds and uses, and what a pooler would free."""
    if hint.application:
        subject = f"{clean(hint.application)} holds"
    else:
        subject = "clients without a name hold"
    used = f"at most {hint.busy} at once" if hint.busy else "none of them"
    pooler = f"the pooler {clean(hint.pooler)}" if hint.pooler else "a pooler"
    return (
        f"{subject} {hint.held} connections and used {used} in the last {age(hint.watched)}:"
        f" {pooler} would free {hint.frees} ({hint.frees_in_all} on the whole server)"
    )


def leak_words(share: Share, busy: int, seconds: float) -> str:
    """Return how many connections an application holds, and how few it has used in the last
    seconds.
    """
    name = clean(share.name)
    subject = f"{name} holds" if name else "clients without a name hold"
    use = f"{busy} in use at once in the last {int(seconds)} s"
    if seconds < _WORTH_NAMING:
        use = f"{share.idle_long} idle for more than five minutes"
    return f"{subject} {share.sessions} connections, {use}"
