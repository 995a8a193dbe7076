"""`pgtop replication`: for people and for programs."""

import json
from dataclasses import replace

from pgtop.cli.commands.replication import as_json, page
from pgtop.cli.exit_codes import Exit
from pgtop.model.section import Section
from tests.cli import pgtop
from tests.scenes.replication import BACKUP, DB3, on_standby, replicated


def test_json_has_the_names_of_the_server() -> None:
    """Beside each lag; a column of another version is null."""
    whole = json.loads(as_json(replicated()))
    assert (whole["role"], whole["receiver"], whole["reason"]) == (
        "primary",
        None,
        None,
    )
    first = whole["senders"][0]
    assert (first["pid"], first["application_name"]) == (DB3.pid, "db3")
    assert (first["lag_bytes"], first["lag_seconds"]) == (18_000_000, 3.2)
    slot = whole["slots"][0]
    assert slot["slot_name"] == BACKUP.slot_name
    assert (slot["lag_bytes"], slot["idle_seconds"]) == (41_000_000_000, 187_200)
    assert slot["conflicting"] is None


def test_json_of_a_standby_has_its_replay() -> None:
    whole = json.loads(as_json(on_standby()))
    receiver = whole["receiver"]
    assert (whole["role"], whole["senders"]) == ("standby", [])
    assert (receiver["status"], receiver["pause_state"]) == ("streaming", "not paused")
    assert (receiver["lag_bytes"], receiver["lag_seconds"]) == (18_000_000, 3.2)
    assert receiver["conflicts_since"] == {"confl_snapshot": 3}
    assert [each["pid"] for each in receiver["snapshots"]] == [41_300]


def test_a_refused_reading_has_its_reason() -> None:
    refused = replace(
        replicated(), sections={"replication": Section(0, reason="permission denied")}
    )
    whole = json.loads(as_json(refused))
    assert (whole["role"], whole["reason"]) == (None, "Not known: permission denied.")
    lines = ["".join([span.text for span in line]) for line in page(refused, 100)]
    assert lines[-1] == "Not known: permission denied."


def test_an_older_recording_knows_nothing() -> None:
    whole = json.loads(as_json(replace(replicated(), sections={})))
    assert whole["reason"] == "Replication was not sampled."


def test_a_server_without_replication_gets_one_sentence(dsn: str) -> None:
    run = pgtop("replication", dsn)
    assert run.returncode == Exit.DONE
    assert "No standby, replication slot or subscription." in run.stdout
