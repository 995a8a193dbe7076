"""The use of connections over the last minute: peaks by group, in a window that moves."""

from pgtop.analysis.breakdown import Dimension
from pgtop.analysis.recent_use import RecentUse
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import MICROSECONDS
from tests.analysis.test_breakdown import HIDDEN, NOW, SERVER, client

APP = Dimension.APPLICATION


def observed(*samples: tuple[float, int]) -> RecentUse:
    """Return the window after samples: seconds from now, and sessions of `api` at work."""
    use = RecentUse()
    for seconds, busy in samples:
        backends = [client("api", "active")] * busy + [client("api", "idle")]
        at = NOW + int(seconds * MICROSECONDS)
        use = use.observe(Snapshot(at, SERVER, tuple(backends)))
    return use


def test_the_peak_of_the_last_minute() -> None:
    """The most at once counts, not the last; what is older than a minute is forgotten."""
    use = observed((0, 3), (1, 5), (2, 1), (40, 2))
    assert use.most(APP, "api") == 5
    assert use.most(Dimension.ROLE, "web") == 5
    assert use.most(Dimension.DATABASE, "shop") == 5
    assert use.most(APP, "cron") == 0
    assert observed((0, 9), (30, 2), (70, 1)).most(APP, "api") == 2


def test_the_window_grows_to_a_minute() -> None:
    """The length is known, so that a peak of three seconds is not one of sixty."""
    assert RecentUse().seconds(NOW) == 0
    assert observed((0, 1), (3, 1)).seconds(NOW + 3 * MICROSECONDS) == 3
    assert observed((0, 1), (300, 1)).seconds(NOW + 300 * MICROSECONDS) == 60


def test_an_open_transaction_is_in_use_and_a_hidden_session_unknown() -> None:
    """A session idle in a transaction cannot serve another client."""
    backends = (client("api", "idle in transaction"), client("api", "idle"), HIDDEN)
    use = RecentUse().observe(Snapshot(NOW, SERVER, backends))
    assert use.most(APP, "api") == 1
    assert use.most(APP, "etl") == 0


def test_the_window_is_small_and_survives_a_clock_that_jumps_back() -> None:
    """A slice of five seconds is one entry, however often is sampled."""
    use = observed(*[(tenth / 10, 1) for tenth in range(700)])
    assert len(use.slices) <= 13
    earlier = use.observe(Snapshot(NOW, SERVER, (client("api", "active"),)))
    assert (len(earlier.slices), earlier.seconds(NOW)) == (1, 0)
