"""The sentence about the application that a connection pooler would help most."""

from pgtop.analysis.pooling import PoolingHint
from pgtop.text.clean import clean
from pgtop.text.units import age


def pooling_words(hint: PoolingHint) -> str:
    """Return the connections that the application holds and uses, and what a pooler would free."""
    if hint.application:
        subject = f"{clean(hint.application)} holds"
    else:
        subject = "clients without a name hold"
    used = f"at most {hint.busy} at once" if hint.busy else "none of them"
    return (
        f"{subject} {hint.held} connections and used {used} in the last {age(hint.watched)}:"
        f" a pooler would free {hint.frees} ({hint.frees_in_all} on the whole server)"
    )
