"""Grouping of backends by account."""

from pgtop.model.alike import ACCOUNT
from pgtop.model.backend import CLIENT_BACKEND, WALSENDER, Backend


def test_backends_of_one_role_database_and_type_are_alike() -> None:
    """Backends are alike whatever else differs, and only with the same type."""
    first = Backend(1, datid=5, usesysid=10, backend_type=CLIENT_BACKEND)
    second = first._replace(pid=2, state="active")
    sender = first._replace(pid=3, backend_type=WALSENDER)
    hidden = first._replace(pid=4, backend_type=None)
    groups = ACCOUNT.alike([first, sender, second, hidden])
    sizes = {group.example.backend_type: group.size for group in groups}
    assert sizes == {CLIENT_BACKEND: 2, WALSENDER: 1, None: 1}
