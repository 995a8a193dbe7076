"""The client behind a pooled session in words: for its page, its pane, and before a signal."""

from collections import Counter
from collections.abc import Iterator, Sequence

from pgtop.analysis.client_names import mark_of, pool_names_of, pooled_of
from pgtop.analysis.derived import DerivedSnapshot
from pgtop.analysis.pooled_clients import PooledClient
from pgtop.model.backend import Backend
from pgtop.model.pools import PoolClient
from pgtop.model.signal import Signal
from pgtop.model.timestamp import seconds_between
from pgtop.text.clean import clean
from pgtop.text.tone import Tone
from pgtop.text.units import age, counted
from pgtop.view.fields import LabelledValue, field

_NAMED = 3
"""Clients of many sessions that are named; the others are counted."""


def client_name(client: PoolClient) -> str:
    """Return the address and the port of a client; `local` over a Unix socket."""
    if client.client_addr is None:
        return "local"
    address = client.client_addr
    name = f"[{address}]" if ":" in address else address
    return name if client.client_port is None else f"{name}:{client.client_port}"


def named_client(client: PoolClient) -> str:
    """Return the client with its application: `10.0.3.7:51312 (shop-web)`."""
    application = client.application_name
    return (
        f"{client_name(client)} ({application})" if application else client_name(client)
    )


def client_fields(
    backend: Backend, derived: DerivedSnapshot
) -> Iterator[LabelledValue]:
    """Yield the client behind a pooled session, its pool, and since when it has the session."""
    pooled = pooled_of(derived.snapshot).get(backend.identity)
    if pooled is None:
        if pool := pool_names_of(derived.snapshot).get(backend.identity):
            words = f"not known now: the session belongs to pool {pool}"
            yield field("Client", clean(words), Tone.NOTICE)
        return
    words = f"{named_client(pooled.client)} in pool {pooled.pool}, {pooled.mode} mode"
    if not pooled.is_exact:
        doubt = "another client may have it since the pooler was read"
        yield field("Client", clean(f"probably {words}; {doubt}"), Tone.NOTICE)
        return
    linked = ""
    if pooled.linked_since is not None:
        seconds = seconds_between(pooled.linked_since, derived.now)
        linked = f", linked for {age(seconds)} at least"
    yield field("Client", clean(f"{words}{linked}"))


def short_client(pooled: PooledClient) -> str:
    """Return the client, with a mark if it may have changed, and its pool."""
    return f"from {mark_of(pooled)}{client_name(pooled.client)} in pool {pooled.pool}"


_ENDS = {
    Signal.TERMINATE: "ends the server connection that",
    Signal.CANCEL: "stops what runs on the server connection that",
}


def hit_fields(
    signal: Signal, backend: Backend, derived: DerivedSnapshot
) -> Iterator[LabelledValue]:
    """Yield the client that a signal hits, as far as that is known."""
    if signal not in _ENDS:
        return
    pooled = pooled_of(derived.snapshot).get(backend.identity)
    if pooled is None:
        if pool := pool_names_of(derived.snapshot).get(backend.identity):
            words = (
                f"{_ENDS[signal]} a client of {pool} may borrow: it is not known which"
            )
            yield field("Hits", clean(words), Tone.NOTICE)
        return
    name = named_client(pooled.client)
    words = f"{_ENDS[signal]} {name} borrows now"
    if not pooled.is_exact:
        words = (
            f"{_ENDS[signal]} a client of {pooled.pool} borrows now, probably {name}"
        )
    yield field("Hits", clean(words), Tone.STRONG if pooled.is_exact else Tone.NOTICE)


def hit_many_fields(
    backends: Sequence[Backend], derived: DerivedSnapshot
) -> Iterator[LabelledValue]:
    """Yield which clients of poolers a signal to many hits, and how many of them may have
    changed.
    """
    pooled = pooled_of(derived.snapshot)
    hits = list(filter(None, [pooled.get(each.identity) for each in backends]))
    if not hits:
        return
    addresses = Counter([each.client.client_addr or "local" for each in hits])
    first = [f"{name} {count}" for name, count in addresses.most_common(_NAMED)]
    rest = len(addresses) - len(first)
    more = f", {rest} more" if rest else ""
    doubtful = len([each for each in hits if not each.is_exact])
    doubt = f"; {doubtful} of them may have changed" if doubtful else ""
    words = (
        f"{counted(len(hits), 'client')} of poolers: {', '.join(first)}{more}{doubt}"
    )
    yield field("Hits", clean(words))


def client_change(
    seen: Backend, before: DerivedSnapshot, now: Backend, after: DerivedSnapshot
) -> str:
    """Return words for a session that one client certainly borrowed before and another does now;
    "" otherwise.
    """
    first = pooled_of(before.snapshot).get(seen.identity)
    then = pooled_of(after.snapshot).get(now.identity)
    if first is None or then is None or first.client == then.client:
        return ""
    has_changed = first.is_exact and then.is_exact
    return "another client borrows it since you opened this" if has_changed else ""
