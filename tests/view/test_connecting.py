"""The screens of the time without a snapshot: connecting, and waiting for the next try."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgtop.model.connecting import LOGIN, NAME, NETWORK, ConnectStep, ConnectSteps
from pgtop.model.failure import Failure, FailureKind
from pgtop.sources.postgres import causes
from pgtop.text.clean import cells
from pgtop.text.tone import Span, Tone
from pgtop.text.wrap import Line
from pgtop.view.connecting import ConnectTarget, Retry, connecting_lines, retry_lines

_TARGET = ConnectTarget(
    place="db1.example.net:5432",
    user="dba",
    label=Span(" PROD ", Tone.LABEL),
    as_superuser="pgtop -h db1.example.net -p 5432 -U postgres",
    to_other_database="pgtop -h db1.example.net -p 5432 -d postgres",
    keeps_trying=True,
)
_STEPS = (
    ConnectStep(NAME, 10.0, "10.0.2.1"),
    ConnectStep(NETWORK, 10.1),
    ConnectStep(LOGIN, 10.104),
)


def texts(lines: Iterable[Line]) -> list[str]:
    return ["".join(span.text for span in line) for line in lines]


def retry(cause: causes.FailureCause, words: str = "FATAL: no") -> Retry:
    failure = Failure(cause.kind, f"{cause.what}: {words}", cause.advice)
    return Retry(failure, tries=7, every=2.0, since=0.4)


def test_the_steps_of_the_login_are_shown() -> None:
    """Done with its result, under way with its time, or still to come."""
    shown = texts(connecting_lines(_TARGET, _STEPS, 13.2, 3.2, 80, 24))
    assert shown == [
        " PROD  db1.example.net:5432",
        "",
        "",
        "   Connecting to db1.example.net:5432 as dba … 3s",
        "",
        "   ✓ name          10.0.2.1",
        "   ✓ network       4 ms",
        "   ▶ login         waiting, 3 s",
        "   · rights",
        "   · first sample",
        "",
        "   The server may be starting, or short of slots. pgtop keeps trying.",
    ]


def test_another_address_begins_again_with_the_network() -> None:
    """The steps after it have not been reached there."""
    steps = ConnectSteps()
    steps.begin(NAME)
    steps.begin(NETWORK, "10.0.2.1")
    steps.begin(LOGIN)
    steps.begin(NETWORK, "10.0.2.2")
    assert [(step.name, step.detail) for step in steps.begun] == [
        (NAME, "10.0.2.2"),
        (NETWORK, ""),
    ]


def test_a_full_server_names_what_helps() -> None:
    """Commands for this very connection can be copied: none of them is broken."""
    words = "sorry, too many clients already"
    shown = texts(retry_lines(_TARGET, retry(causes.FULL_FOR_MEMBERS, words), 80, 24))
    assert "    FULL  The server is full for ordinary roles." in shown
    assert f"   Server says   {words}" in shown
    assert any(line.endswith(_TARGET.as_superuser) for line in shown)
    assert any(
        line.endswith("GRANT pg_use_reserved_connections TO dba") for line in shown
    )
    assert shown[-1] == "   Trying again every 2 s: 7 tries, the last 0 s ago."


def test_no_command_is_offered_that_cannot_help() -> None:
    """A superuser is refused, too, once every slot is taken; a database's limit is not a role's."""
    everyone = texts(retry_lines(_TARGET, retry(causes.FULL_FOR_ALL), 80, 24))
    assert not any("pgtop -h" in line for line in everyone)
    database = texts(retry_lines(_TARGET, retry(causes.FULL_DATABASE), 80, 24))
    assert any(line.endswith(_TARGET.to_other_database) for line in database)
    assert not any("-U postgres" in line for line in database)


@pytest.mark.parametrize("kind", [FailureKind.STARTING, FailureKind.UNREACHABLE])
def test_another_reason_has_its_own_plate(kind: FailureKind) -> None:
    """Only a full server is an alarm."""
    waiting = Retry(Failure(kind, "The server: not yet"), 1, 2.0)
    plates = [span for line in retry_lines(_TARGET, waiting, 80, 24) for span in line]
    assert Span(f" {kind.upper()} ", Tone.WARN_PLATE) in plates


@given(
    st.integers(20, 200),
    st.integers(1, 50),
    st.sampled_from([causes.FULL_FOR_MEMBERS, causes.FULL_DATABASE, causes.STARTING]),
)
def test_the_state_is_named_at_every_size(
    width: int, height: int, cause: causes.FailureCause
) -> None:
    """No line is wider than the screen, and a small screen keeps the reason."""
    shown = texts(retry_lines(_TARGET, retry(cause), width, height))
    assert all(cells(line) <= max(width, 28) for line in shown)
    plate = "FULL" if cause.kind is FailureKind.FULL else cause.kind.upper()
    assert any(plate in line for line in shown)
    connecting = texts(connecting_lines(_TARGET, _STEPS, 13.0, 3.0, width, height))
    assert any("Connecting" in line for line in connecting)
