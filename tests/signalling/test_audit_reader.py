"""The reader of the audit log: damage is counted and skipped."""

import json
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgtop.cli.args.audit_options import AuditCommand
from pgtop.cli.commands.audit import lines, masked, matching
from pgtop.cli.commands.report import with_times
from pgtop.signalling.audit_reader import AuditRecords, read
from tests.signalling.audit_helpers import WHOLE_RECORD, log_in


@given(
    st.dictionaries(
        st.sampled_from([*WHOLE_RECORD, "ssh_client"]),
        st.none() | st.text() | st.integers() | st.booleans() | st.lists(st.none()),
    )
)
def test_no_damage_stops_the_reader(damage: dict[str, object]) -> None:
    """With any value in a field, the record is shown, reported and masked, or counted as damaged,
    and its neighbours are shown.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "audit.jsonl"
        path.write_text(
            "".join(
                json.dumps(each) + "\n"
                for each in (WHOLE_RECORD, WHOLE_RECORD | damage, WHOLE_RECORD)
            )
        )
        log = read(path)
    assert len(log.records) + log.damaged == 3
    for record in matching(log.records, AuditCommand(since=1e10), datetime.now(UTC)):
        assert lines(record)
        assert lines(masked(record))
        assert with_times(record.as_dict())["clock"]


@given(st.sets(st.sampled_from(sorted(WHOLE_RECORD)), min_size=1))
def test_an_incomplete_record_is_damaged(missing: set[str]) -> None:
    """A record that lacks a field is skipped and counted."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "audit.jsonl"
        path.write_text(
            json.dumps(
                {
                    name: value
                    for name, value in WHOLE_RECORD.items()
                    if name not in missing
                }
            )
            + "\n"
        )
        assert read(path) == AuditRecords([], 1)


_GARBAGE = {
    "nested": b"[" * 100_000,
    "nested in a record": json.dumps(WHOLE_RECORD).encode()[:-1]
    + b', "x": '
    + b"[" * 900
    + b"]" * 900
    + b"}",
    "long": b"x" * ((8 << 20) + 100),
    "binary": bytes(each for each in range(256) if each != 10),
    "long number": b'{"at": ' + b"9" * 100_000 + b"}",
    "time before all zones": json.dumps(
        WHOLE_RECORD | {"at": "0001-01-01T00:00:00+23:00"}
    ).encode(),
    "surrogate": json.dumps(WHOLE_RECORD | {"query": None})
    .encode()
    .replace(b"null", b'{"\\ud800": 1}'),
}


@pytest.mark.parametrize("kind", _GARBAGE)
def test_garbage_is_counted_and_skipped(kind: str, tmp_path: Path) -> None:
    """The records around a line that is none are read."""
    audit_log = log_in(tmp_path)
    audit_log.path.parent.mkdir()
    whole = json.dumps(WHOLE_RECORD).encode()
    audit_log.path.write_bytes(b"\n".join([whole, _GARBAGE[kind], whole, b""]))
    log = read(audit_log.path)
    assert (len(log.records), log.damaged) == (2, 1)
    assert [line for record in log.records for line in lines(record)]


def test_the_newest_part_of_a_very_long_log_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory stays bounded, and the omission is reported."""
    monkeypatch.setattr("pgtop.signalling.audit_reader._LONGEST", 1000)
    path = tmp_path / "audit.jsonl"
    path.write_text(
        "".join(
            json.dumps(WHOLE_RECORD | {"id": str(number)}) + "\n"
            for number in range(50)
        )
    )
    log = read(path)
    assert log.is_shortened
    assert log.damaged == 0
    assert [record.request["id"] for record in log.records] == ["47", "48", "49"][
        -len(log.records) :
    ]
