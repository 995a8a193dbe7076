"""A group of sessions for the tests of many at once: the leak of one application."""

from pgtop.model.backend import Backend, BackendId
from pgtop.model.snapshot import Snapshot
from tests.fakes import FakeSignaller

LEAK_KEYS = ("filter", *"app:coupon-import", "open")
"""Filter for the group."""


def leak(snapshot: Snapshot) -> list[Backend]:
    """Return the sessions of the group."""
    return [
        each for each in snapshot.backends if each.application_name == "coupon-import"
    ]


def requested(signaller: FakeSignaller) -> set[BackendId]:
    """Return the targets of all requests."""
    return {request.target for request in signaller.requests}
