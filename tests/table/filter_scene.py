"""Sessions for the tests of the filter: one of each kind."""

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.model.backend import CLIENT_BACKEND, HIDDEN_QUERY, WALSENDER, Backend
from pgtop.model.server import Limits, Server
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import MICROSECONDS

NOW = 10_000 * MICROSECONDS
SERVER = Server("18.4", 180_004, "db", 5432, "app", "me", 1, 10, 5, 0, Limits(100, 3))


def ago(seconds: float) -> int:
    return NOW - int(seconds * MICROSECONDS)


RUNNER = Backend(
    4711, ago(3600), datname="shop", usename="web", application_name="api-7",
    client_addr="10.0.0.1",
    xact_start=ago(600), query_start=ago(30), state_change=ago(30), state="active",
    query="SELECT total FROM Orders WHERE id = 5", backend_type=CLIENT_BACKEND,
)  # fmt: skip
HOLDER = Backend(
    4712, ago(7200), datname="shop", usename="worker", application_name="my app, v2",
    client_hostname="batch.local",
    client_addr="10.0.0.2", xact_start=ago(400), query_start=ago(399), state_change=ago(399),
    wait_event_type="Client", wait_event="ClientRead", state="idle in transaction",
    query="LOCK TABLE stock",
    backend_type=CLIENT_BACKEND,
)  # fmt: skip
WAITER = Backend(
    4713, ago(50), datname="crm", usename="web", application_name="", xact_start=ago(20),
    query_start=ago(20),
    state_change=ago(20), wait_event_type="Lock", wait_event="relation", state="active",
    query="COPY stock TO STDOUT",
    backend_type=CLIENT_BACKEND, blocked_by=(4712, 4712),
)  # fmt: skip
SLEEPER = Backend(
    4714, ago(9000), datname="crm", usename="anna", application_name='say "hi" \\o/',
    client_addr="10.0.0.9",
    query_start=ago(1200), state_change=ago(1200), wait_event_type="Client",
    wait_event="ClientRead", state="idle",
    query="COMMIT", backend_type=CLIENT_BACKEND,
)  # fmt: skip
BROKEN = Backend(
    4715, ago(100), datname="crm", usename="anna", application_name="psql", client_addr="::1",
    xact_start=ago(90),
    query_start=ago(80), state_change=ago(80), wait_event_type="LWLock", wait_event="WALWrite",
    state="idle in transaction (aborted)", query="selekt 1", backend_type=CLIENT_BACKEND,
)  # fmt: skip
HIDDEN = Backend(
    4716,
    datid=5,
    datname="crm",
    usename="secret",
    usesysid=99,
    application_name="",
    query=HIDDEN_QUERY,
)
STANDBY = Backend(
    4717, ago(5), usename="replicator", application_name="standby1", client_addr="10.0.0.3",
    state="active",
    state_change=ago(5), wait_event_type="Activity", wait_event="WalSenderMain",
    backend_type=WALSENDER,
)  # fmt: skip
CHECKPOINTER = Backend(
    9, ago(5), application_name="", backend_type="checkpointer", query=""
)
ALL = (RUNNER, HOLDER, WAITER, SLEEPER, BROKEN, HIDDEN, STANDBY, CHECKPOINTER)
DERIVED = DerivedSnapshot.of(Snapshot(NOW, SERVER, ALL))
