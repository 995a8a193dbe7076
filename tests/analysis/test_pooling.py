"""The hint about a connection pooler, and the figures behind it."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgtop.analysis.pooling import Concurrency, Peak, PoolingHint, pooling_hint
from pgtop.model.backend import CLIENT_BACKEND, Backend
from pgtop.model.server import Limits, Server
from pgtop.model.snapshot import IdleGroup, Snapshot
from pgtop.model.timestamp import MICROSECONDS

SERVER = Server("18.4", 180_004, "db", 5432, "app", "me", 1, 10, 5, 0, Limits(100, 3))
NOW = 10_000 * MICROSECONDS


def sessions(
    application: str | None, count: int, state: str = "idle", since: float = 600
) -> tuple[Backend, ...]:
    changed = NOW - int(since * MICROSECONDS)
    one = Backend(
        1,
        application_name=application,
        state=state,
        state_change=changed,
        backend_type=CLIENT_BACKEND,
    )
    return (one,) * count


def snapshot(*backends: Backend, max_connections: int = 100, at: int = NOW) -> Snapshot:
    return Snapshot(at, SERVER._replace(limits=Limits(max_connections, 3)), backends)


def hint(*backends: Backend, max_connections: int = 100) -> PoolingHint | None:
    now = snapshot(*backends, max_connections=max_connections)
    return pooling_hint(now, Concurrency().observe(now))


@pytest.mark.parametrize(
    ("held", "since", "max_connections", "shown"),
    [
        (50, 600, 100, False),  # half is not more than half
        (51, 600, 100, True),
        (51, 120, 100, False),  # idle, but not for more than two minutes
        (51, 121, 100, True),
        (10, 600, 500, False),
        (10, 600, 501, True),
        (10, 1, 501, True),
        (1, 600, 501, False),  # a pool needs a connection too
        (0, 600, 501, False),
    ],
)
def test_a_hint_needs_many_connections_and_a_gain(
    held: int, since: float, max_connections: int, shown: bool
) -> None:
    """The hint appears above 500 max_connections, or with more than half of the slots idle for
    minutes, and only with a gain.
    """
    result = hint(*sessions("api", held, since=since), max_connections=max_connections)
    assert (result is not None) == shown


def test_the_hint_names_the_largest_gain() -> None:
    """The hint names the application that would save most, with the figures of the sentence."""
    now = snapshot(
        *sessions("api", 40), *sessions("api", 3, "active"),
        *sessions("api", 2, "idle in transaction"),
        *sessions("batch", 20), *sessions(None, 10, since=5),
    )  # fmt: skip
    earlier = snapshot(*sessions("api", 9, "active"), at=NOW - 30 * MICROSECONDS)
    result = pooling_hint(now, Concurrency().observe(earlier).observe(now))
    assert result == PoolingHint(
        application="api",
        held=45,
        busy=9,
        frees=36,
        frees_in_all=36 + 19 + 9,
        watched=30,
        idle=60,
        max_connections=100,
    )


def test_walsenders_and_hidden_sessions_are_not_judged() -> None:
    """Walsenders hold no slot, and it is unknown whether a hidden session is busy."""
    walsender = Backend(
        1, application_name="standby", state="active", backend_type="walsender"
    )
    hidden = Backend(2, usesysid=10)
    assert Concurrency().observe(snapshot(walsender, hidden)) == Concurrency()


def test_an_application_that_left_is_forgotten() -> None:
    """Application names that are made up for each job do not accumulate."""
    seen = Concurrency().observe(snapshot(*sessions("job-1", 1, "active")))
    assert seen.observe(snapshot(*sessions("job-2", 1))).peaks == {
        "job-2": Peak(0, NOW)
    }


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=6)
)
def test_the_peak_is_the_most_ever_seen(samples: list[tuple[int, int]]) -> None:
    """The peak is the maximum over all samples, and connections that were in use at once are not
    counted as savings.
    """
    seen = Concurrency()
    for busy, idle in samples:
        shown = snapshot(
            *sessions("api", busy, "active"),
            *sessions("api", idle + 1),
            max_connections=501,
        )
        seen = seen.observe(shown)
    assert seen.peaks["api"].busy == max(busy for busy, _ in samples)
    result = pooling_hint(shown, seen)
    assert result is None or result.held - result.frees >= result.busy


@given(
    st.lists(
        st.tuples(st.sampled_from(["api", "web", None]), st.floats(10, 300)), max_size=9
    ),
    st.integers(0, 9),
)
def test_idle_groups_count_like_other_sessions(
    idle: list[tuple[str | None, float]], settled: int
) -> None:
    """The counts of idle groups and other sessions add up to the counts of all sessions."""
    rows = [one for name, since in idle for one in sessions(name, 1, since=since)]
    mixed = snapshot(*rows, max_connections=501)
    group = IdleGroup(tuple(rows[settled:]))
    grouped = replace(mixed, ungrouped=tuple(rows[:settled]), idle_group=group)
    assert Concurrency().observe(grouped) == Concurrency().observe(mixed)
    assert pooling_hint(grouped, Concurrency().observe(grouped)) == pooling_hint(
        mixed, Concurrency().observe(mixed)
    )
