"""Rows of replication from any server: an answer that no server gives is an error of its own."""

import pytest

from pgtop.sources.postgres.features import Features
from pgtop.sources.postgres.probes import ProbeContext
from pgtop.sources.postgres.probes.replication_rows import reading_in
from pgtop.sources.postgres.shapes import AnswerError, Rows

_STATE = (b"state", None, b'{"in_recovery": false, "position": "0/3000148"}')
_COST = (b"cost", None, b'{"seconds": 0.001}')
_NONE: frozenset[str] = frozenset()
_FEATURES = Features(1, False, _NONE, _NONE, _NONE, "LATIN1")
_CONTEXT = ProbeContext(_FEATURES, server=None, section=None, now=10)


def _sender(columns: str) -> Rows:
    return [_STATE, (b"sender", None, columns.encode()), _COST]


def test_columns_are_read_by_their_names() -> None:
    """Unknown ones are ignored, and missing ones are None."""
    rows = _sender('{"pid": 7, "state": "streaming", "replay_lag": 3, "new": [1]}')
    reading, positions = reading_in(rows, None, _CONTEXT)
    [sender] = reading.senders
    assert (sender.pid, sender.state, sender.replay_lag) == (7, "streaming", 3)
    assert sender.sent_lsn is None
    assert reading.cost_seconds == 0.001
    assert positions.last_within(0x3000148) == 10


def test_names_are_read_in_the_encoding_of_the_database() -> None:
    row = (b"subscription", "caf\u00e9".encode("latin1"), b'{"subid": 5}')
    reading, _ = reading_in([_STATE, row, _COST], None, _CONTEXT)
    assert reading.subscriptions[0].subname == "caf\u00e9"


_WRONG = {
    "nothing": "",
    "a list": "[]",
    "half an object": "{",
    "no pid": "{}",
    "a text for a pid": '{"pid": "7"}',
    "a number for a state": '{"pid": 7, "state": 1}',
    "an endless lag": '{"pid": 7, "replay_lag": 1e999}',
    "a huge number": f'{{"pid": 7, "sync_priority": {"9" * 400}}}',
    "no time": '{"pid": 7, "reply_time": "yesterday"}',
    "a huge row": f'{{"pid": 7, "state": "{"x" * 20_000}"}}',
    "deep lists": "[" * 9_000,
}


@pytest.mark.parametrize("columns", _WRONG.values(), ids=_WRONG.keys())
def test_a_row_that_no_server_sends_is_an_error(columns: str) -> None:
    with pytest.raises(AnswerError):
        reading_in(_sender(columns), None, _CONTEXT)


def test_an_answer_without_a_state_is_an_error() -> None:
    with pytest.raises(AnswerError):
        reading_in([_COST], None, _CONTEXT)


def test_a_position_that_no_server_has_is_not_known() -> None:
    rows = _sender(
        '{"pid": 7, "state": "streaming", "replay_lsn": "%s/0"}' % ("F" * 99)
    )
    reading, _ = reading_in(rows, None, _CONTEXT)
    assert reading.senders[0].behind_since is None
