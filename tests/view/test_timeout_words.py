"""The timeout that comes first, in words."""

import pytest

from pgtop.model.backend import Backend
from pgtop.model.detail import Detail, Timeout
from pgtop.view.timeout_words import ends_fields
from tests import scenes
from tests.scenes import NOW

IN_TRANSACTION = scenes.client(
    1, "web@shop", state="idle in transaction", since=120, xact=300
)
ACTIVE = scenes.active(1, "web@shop", "psql", "select 1", 60)
ROLE = "the setting of role web"


def words(backend: Backend, *timeouts: Timeout) -> str:
    detail = Detail(NOW, backend, query_is_cut=False, timeouts=timeouts)
    fields = ends_fields(backend, detail, NOW)
    return "".join(span.text for field in fields for span in field.value)


def test_the_end_of_a_session_has_its_setting() -> None:
    timeout = Timeout("idle_in_transaction_session_timeout", 300, ROLE)
    assert words(IN_TRANSACTION, timeout) == (
        "in about 3m by idle_in_transaction_session_timeout of 5m00s, "
        "the setting of role web, unless the session set its own"
    )


def test_the_first_of_several_timeouts_is_shown() -> None:
    idle = Timeout("idle_in_transaction_session_timeout", 300, ROLE)
    transaction = Timeout("transaction_timeout", 310, ROLE)
    assert words(IN_TRANSACTION, idle, transaction).startswith("in about 10s by trans")


def test_the_end_of_a_statement_is_not_that_of_its_session() -> None:
    timeout = Timeout("statement_timeout", 90, ROLE)
    assert words(ACTIVE, timeout).startswith("its statement, in about 30s by")


@pytest.mark.parametrize(
    ("backend", "timeout"),
    [
        (ACTIVE, Timeout("idle_session_timeout", 90, ROLE)),
        (IN_TRANSACTION, Timeout("idle_session_timeout", 900, ROLE)),
        (IN_TRANSACTION, Timeout("statement_timeout", 900, ROLE)),
        (ACTIVE, Timeout("statement_timeout", 5, ROLE)),  # it set its own: it lives on
        (
            ACTIVE._replace(backend_type="walsender"),
            Timeout("statement_timeout", 90, ROLE),
        ),
    ],
)
def test_a_timeout_that_does_not_run_is_not_shown(
    backend: Backend, timeout: Timeout
) -> None:
    assert words(backend, timeout) == ""
