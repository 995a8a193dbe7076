"""Strategies for backends: all that a server could send, and many that none would."""

from hypothesis import strategies as st

from pgtop.model.backend import (
    ACTIVE,
    CLIENT_BACKEND,
    IDLE,
    IDLE_IN_TRANSACTION,
    PARALLEL_WORKER,
    WALSENDER,
    Backend,
)
from tests.scenes import HOSTILE_TEXTS, NOW

_TEXTS = (
    st.none()
    | st.sampled_from(HOSTILE_TEXTS)
    | st.text(st.characters(codec=None), max_size=40)
)
_INSTANTS = st.none() | st.integers(NOW - 10**15, NOW + 10**7)
_FEW_PIDS = st.integers(1, 30)  # few, so that rows relate to each other
_NUMBERS = st.none() | st.integers(-(2**63), 2**63 - 1)

BACKEND = st.builds(
    Backend,
    pid=st.integers(1, 2**31 - 1) | _FEW_PIDS,
    backend_start=_INSTANTS,
    datname=_TEXTS,
    leader_pid=st.none() | _FEW_PIDS,
    usesysid=st.none() | st.integers(1, 20),
    usename=_TEXTS,
    application_name=_TEXTS,
    client_addr=_TEXTS | st.sampled_from(["10.0.0.9", "10.0.0.10", "::1"]),
    xact_start=_INSTANTS,
    query_start=_INSTANTS,
    state_change=_INSTANTS,
    wait_event_type=_TEXTS | st.just("Lock"),
    wait_event=_TEXTS,
    state=_TEXTS | st.sampled_from([ACTIVE, IDLE, IDLE_IN_TRANSACTION]),
    xmin_age=_NUMBERS,
    query_id=_NUMBERS,
    query=_TEXTS,
    backend_type=_TEXTS
    | st.sampled_from([CLIENT_BACKEND, PARALLEL_WORKER, WALSENDER, "checkpointer"]),
    blocked_by=st.lists(_FEW_PIDS | st.just(0), max_size=4).map(tuple),
)
BACKENDS = st.lists(BACKEND, max_size=12, unique_by=lambda backend: backend.pid)
