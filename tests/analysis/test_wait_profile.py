"""Wait profiles: which sessions count, the averages, and an error that is never too small."""

from collections.abc import Sequence
from itertools import accumulate
from random import Random
from statistics import fmean, pstdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgtop.analysis.wait_buckets import BucketCache, buckets
from pgtop.analysis.wait_profile import (
    REST,
    SliceBy,
    StatementWaits,
    Tally,
    profile,
    tally,
    with_now,
)
from pgtop.model.backend import (
    ACTIVE,
    CLIENT_BACKEND,
    IDLE,
    IDLE_IN_TRANSACTION,
    PARALLEL_WORKER,
    WALSENDER,
    Backend,
)
from pgtop.model.timestamp import MICROSECONDS
from pgtop.model.waits import WaitClass, WaitSample, event_name, wait_class


def backend(
    pid: int,
    wait: str = "",
    state: str = ACTIVE,
    kind: str = CLIENT_BACKEND,
    leader: int | None = None,
    query: str = "SELECT 1",
    start: int = 1,
) -> Backend:
    wait_type, _, event = wait.partition(":")
    return Backend(
        pid,
        1,
        leader_pid=leader,
        usename="web",
        client_addr=None if leader else "10.0.0.1",
        query_start=start,
        wait_event_type=wait_type or None,
        wait_event=event or None,
        state=state,
        query=query,
        backend_type=kind,
    )


@pytest.mark.parametrize(
    ("session", "kind"),
    [
        (backend(1), WaitClass.CPU),
        (backend(1, "IO:DataFileRead"), WaitClass.IO),
        (backend(1, "Client:ClientRead"), WaitClass.CLIENT),
        (backend(1, "BufferPin:BufferPin"), WaitClass.OTHER),
        (backend(1, "Lock:tuple", state="fastpath function call"), WaitClass.LOCK),
        (backend(1, kind=PARALLEL_WORKER), WaitClass.CPU),
        (
            backend(1, "Client:ClientRead", IDLE_IN_TRANSACTION),
            WaitClass.IDLE_IN_TRANSACTION,
        ),
        (backend(1, "Client:ClientRead", IDLE), None),
        (backend(1, "Activity:WalSenderMain", kind=WALSENDER), None),
        (backend(1, "Activity:LogicalApplyMain"), None),
        (backend(1, kind="logical replication worker"), None),
        (backend(1, kind="autovacuum worker"), None),
    ],
)
def test_client_backends_and_their_workers_count(
    session: Backend, kind: WaitClass | None
) -> None:
    assert wait_class(session) is kind


def test_an_event_has_its_type_and_no_event_the_name_of_its_class() -> None:
    names = [event_name(backend(1, wait)) for wait in ("Lock:relation", "")]
    assert names == ["Lock:relation", "CPU or not instrumented"]
    idle = backend(1, "Client:ClientRead", IDLE_IN_TRANSACTION)
    assert event_name(idle) == "idle in transaction"


def test_a_worker_counts_under_its_leader_and_pgtop_itself_nowhere() -> None:
    leader = backend(7, "IPC:ExecuteGather", query="SELECT big")
    worker = backend(8, kind=PARALLEL_WORKER, leader=7, query="")
    own = backend(9, query="own")
    sessions = [leader, worker, own]
    by_query = tally(0, sessions, SliceBy.QUERY, own_pid=9)
    assert {name for name, _ in by_query.counts} == {"SELECT big"}
    assert by_query.load == 2
    by_client = tally(0, sessions, SliceBy.CLIENT, own_pid=9)
    assert {name for name, _ in by_client.counts} == {"10.0.0.1"}


def test_many_small_slices_are_one() -> None:
    """A sample has a bounded number of names, whatever the application writes into queries."""
    sessions = [backend(pid, query=f"SELECT {pid}") for pid in range(1, 301)]
    counts = tally(0, sessions, SliceBy.QUERY).counts
    assert len(counts) == 101
    assert counts[REST, WaitClass.CPU] == 200


def of_counts(counts: Sequence[int], name: str = "x") -> list[Tally]:
    """Return tallies one second apart, of a lock and of as many sessions that run."""
    return [
        Tally(
            place * MICROSECONDS,
            {(name, WaitClass.LOCK): count, ("run", WaitClass.CPU): 1},
            {WaitClass.LOCK: count, WaitClass.CPU: 1},
        )
        for place, count in enumerate(counts)
    ]


def test_shares_are_of_the_load_and_the_largest_slice_comes_first() -> None:
    whole = profile(of_counts([3] * 10), SliceBy.EVENT)
    assert (whole.samples, whole.seconds, whole.aas) == (10, 9.0, 4.0)
    assert [each.name for each in whole.slices] == ["x", "run"]
    assert [each.share for each in whole.slices] == [0.75, 0.25]
    now = with_now(whole, of_counts([5])[0])
    assert [each.now for each in now.slices] == [5, 1]


def test_idle_in_transaction_is_no_load() -> None:
    """The slices of waits have it with its average and no share; no other slices have it."""
    sessions = [backend(1), backend(2, state=IDLE_IN_TRANSACTION)]
    for by, names in (
        (SliceBy.EVENT, ["CPU or not instrumented", "idle in transaction"]),
        (SliceBy.ROLE, ["web"]),
    ):
        whole = profile([tally(0, sessions, by)] * 4, by)
        assert [each.name for each in whole.slices] == names
        assert [each.share for each in whole.slices] == [1.0, 0.0][: len(names)]
        assert whole.aas == 1.0


def test_an_empty_profile_has_no_slices() -> None:
    whole = profile([], SliceBy.EVENT)
    assert (whole.samples, whole.aas, whole.error, whole.slices) == (0, 0.0, 0.0, ())


@pytest.mark.parametrize("wait", [1, 5, 40])
def test_the_error_is_not_too_small(wait: int) -> None:
    """The averages of many runs scatter by no more than the error that each states, whether a
    wait lasts for less than a sample or for many.
    """
    random = Random(wait)
    means = []
    errors = []
    for _ in range(400):
        states: list[int] = []
        while len(states) < 200:
            length = 1 + int(random.expovariate(1 / wait))
            states += [random.randint(0, 1)] * length
        truth = fmean(states[:200])
        picked = [
            states[place + random.randint(0, 3)] for place in range(0, 200, 4)
        ]  # one of four moments, as the sampler does
        whole = profile(of_counts(picked), SliceBy.EVENT)
        means.append(whole.aas - 1 - truth)
        errors.append(whole.error)
    assert pstdev(means) <= 1.1 * fmean(errors)


def test_samples_that_are_alike_have_an_error_nevertheless() -> None:
    assert profile(of_counts([1]), SliceBy.EVENT).error > 0.5
    assert 0 < profile(of_counts([1] * 100), SliceBy.EVENT).error < 0.01


# Buckets.

LOCK_PLACE = list(WaitClass).index(WaitClass.LOCK)


def test_buckets_are_full_and_a_gap_stays_one() -> None:
    tallies = [*of_counts([1] * 6), *of_counts([4] * 20)[14:]]
    drawn = buckets(tallies, 2 * MICROSECONDS, 10, 20 * MICROSECONDS)
    locks = [None if each is None else each[LOCK_PLACE] for each in drawn]
    assert locks == [1, 1, 1, None, None, None, None, 4, 4, 4]


def test_a_sample_stands_for_buckets_that_are_shorter_than_the_interval() -> None:
    tallies = of_counts([1, 2, 3])
    spread = [each._replace(at=3 * each.at) for each in tallies]
    drawn = buckets(spread, MICROSECONDS, 7, 7 * MICROSECONDS)
    locks = [None if each is None else each[LOCK_PLACE] for each in drawn]
    assert locks == [1, 1, 1, 2, 2, 2, 3]


@given(
    st.lists(st.integers(200, 4000), min_size=40, max_size=80),
    st.integers(1, 3),
    st.integers(1, 12),
)
def test_kept_buckets_are_those_that_are_computed_at_once(
    distances: list[int], seconds: int, count: int
) -> None:
    """Samples at any distances: what was shown once stays, moved by one step."""
    width = seconds * MICROSECONDS
    times = list(accumulate(distance * 1000 for distance in distances))
    tallies = [
        each._replace(at=at)
        for each, at in zip(of_counts([1, 2, 3] * 27), times, strict=False)
    ]
    cache = BucketCache(width)
    shown: dict[int, object] = {}
    for number, newest in enumerate(tallies, start=1):
        end = newest.at // width * width
        heights = cache.newest(tallies[:number], count, end)
        assert len(heights) == count
        for step, each in enumerate(heights, start=end // width - count):
            assert shown.setdefault(step, each) == each


def test_older_samples_and_steps_back_compute_all_buckets_again() -> None:
    tallies = of_counts([1, 2, 3, 4, 5, 6])
    width, end = MICROSECONDS, 6 * MICROSECONDS
    cache = BucketCache(width)
    for part, until in ((tallies[3:], end), (tallies, end), (tallies[:4], end // 2)):
        assert cache.newest(part, 4, until) == buckets(part, width, 4, until)


# One session.


def test_a_new_statement_begins_a_new_profile() -> None:
    """Samples in which the session is idle or gone belong to no statement."""

    def sample(at: int, *sessions: Backend) -> WaitSample:
        return WaitSample(at, sessions)

    samples = [
        sample(1, backend(7, start=1)),
        sample(2, backend(7, start=2), backend(8, leader=7, kind=PARALLEL_WORKER)),
        sample(3, backend(7, start=2, state=IDLE_IN_TRANSACTION)),
        sample(4, backend(7, start=2, state=IDLE)),
        sample(5),
    ]
    statement = StatementWaits(7)
    for each in samples:
        statement.add(each)
    whole = statement.profile(0.5)
    assert (whole.samples, whole.seconds, whole.aas) == (2, 0.5 + 1e-6, 1.0)
    assert [each.aas for each in whole.slices] == [1.0, 0.5]
    assert StatementWaits(4711).profile(0.5).samples == 0
