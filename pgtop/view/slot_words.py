"""The words about connection slots that the header and the printed pages share."""

from collections.abc import Iterable

from pgtop.analysis.budget import Budget, Level
from pgtop.model.server import Server
from pgtop.signalling.rights import grant
from pgtop.text.clean import clean
from pgtop.text.tone import Tone

LETTERS = {
    "active": ("A", Tone.CALM),
    "waiting": ("W", Tone.ALARM),
    "idle in transaction": ("T", Tone.WARN),
    "idle": ("i", Tone.QUIET),
    "other": ("o", Tone.NOTICE),
}
"""States differ by letter as well as by colour, so that the bar can be read on a monochrome screen
and by colour-blind people.
"""
FREE = "·"
RESERVED = "R"
UNSEEN = "?"
LEVELS = {
    Level.CALM: Tone.STRONG,
    Level.WARN: Tone.WARN,
    Level.ALARM: Tone.ALARM,
}


def held(budget: Budget) -> int:
    """Return the ordinary slots in use; the rest of those in use is taken from the reserves."""
    return min(budget.used, budget.ordinary)


def about(budget: Budget) -> str:
    """Return "about " if some sessions are hidden from this role, and may hold no slot."""
    return "about " if budget.approximate else ""


def misses_logins(budget: Budget) -> bool:
    """Return whether unseen logins in progress may hold the last slots."""
    return budget.level is not Level.CALM and not budget.sees_logins


def free_words(budget: Budget) -> str:
    """Return how many ordinary slots are free, with the doubt about that."""
    if budget.free > 0 and misses_logins(budget):
        return f"at most {budget.free} free"
    return f"{about(budget)}{budget.free} free"


def doubt_of_left(budget: Budget) -> str:
    """Return the qualifier of the number that is left.

    The limits of roles and databases do not count logins in progress.
    """
    by_slots = budget.openable_limit in ("", "reserved")
    if by_slots and budget.openable and misses_logins(budget):
        return "at most "
    return "" if budget.openable_is_exact else "about "


def your_words(budget: Budget) -> tuple[str, str, str]:
    """Return how many connections the role that logged in can still open: with what limits them, in
    fewer words, and without it.
    """
    number = f"{doubt_of_left(budget)}{budget.openable}"
    short = f"{number} for you"
    if budget.openable_limit == "reserved":
        extra = budget.openable - budget.free
        reserved = _reserved_words(extra, budget.openable)
        return f"{short}, {reserved}", f"{short} ({extra} R)", short
    if not budget.openable_limit:
        return short, short, short
    return f"{short} ({budget.openable_limit})", short, short


def _reserved_words(reserved: int, openable: int) -> str:
    """Return how many of the connections that can still be opened take reserved slots."""
    if reserved < openable:
        return f"{reserved} reserved"
    return {1: "reserved", 2: "both reserved"}.get(openable, "all reserved")


def reserves(budget: Budget) -> Iterable[str]:
    """Yield the roles that slots are reserved for, or how many reserved slots are left."""
    total = budget.max_connections - budget.ordinary
    if budget.reserved_left < total:
        yield f"{budget.reserved_left} of {total} reserved left"
        return
    for role, slots in (
        ("superusers", budget.superuser_reserved_connections),
        *budget.reserves,
    ):
        if slots:
            yield f"{slots} reserved for {clean(role)}"


def missing(budget: Budget, server: Server) -> str:
    """Return the sentence for a role that cannot read everything, or ""."""
    parts = list(server.missing)
    if budget.hidden:
        total = budget.visible + budget.hidden
        remedy = grant(server, "pg_read_all_stats")
        parts.insert(0, f"you see {budget.visible} of {total} sessions: {remedy}")
    return clean("; ".join(parts))
