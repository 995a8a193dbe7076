"""Recordings of earlier versions are read, and continued by a recorder."""

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from pgtop.sources.recording import file_format
from pgtop.sources.recording.file_format import (
    MAJOR,
    USER_VERSION,
    Block,
    RecordingError,
)
from pgtop.sources.recording.reader import Recording
from pgtop.sources.recording.writer import RecordingWriter
from pgtop.sources.sections import SECTION_TYPES
from tests.sources.recording.released import FOLDER, HEADER, content, samples

RELEASED = sorted(FOLDER.glob("*.pgtop"))


def assert_contains(now: Any, then: Any) -> None:
    """Assert that all that was there then is there now; fields may have been added."""
    if isinstance(then, dict):
        assert then.keys() <= now.keys()
        for name, value in then.items():
            assert_contains(now[name], value)
    elif isinstance(then, list):
        assert len(now) == len(then)
        for one, other in zip(now, then, strict=True):
            assert_contains(one, other)
    else:
        assert now == then


@pytest.mark.parametrize("path", RELEASED, ids=lambda path: path.stem)
def test_a_released_recording_is_read(path: Path) -> None:
    """Every sample, number and gap is what the version that wrote it has read."""
    recording = Recording(path, SECTION_TYPES)
    assert_contains(
        content(recording), json.loads(path.with_suffix(".json").read_text())
    )
    assert recording.events() is not None
    recording.close()


@pytest.mark.parametrize("path", RELEASED, ids=lambda path: path.stem)
def test_a_released_recording_is_continued(tmp_path: Path, path: Path) -> None:
    """A recorder brings the file to its own version, and keeps what is there."""
    copy = tmp_path / "a.pgtop"
    shutil.copy(path, copy)
    then = json.loads(path.with_suffix(".json").read_text())["samples"]
    writer = RecordingWriter(copy)
    later = samples()[-1].taken_at + 1
    for sample in samples():
        writer.add(sample, HEADER)
    writer.close()
    with closing(sqlite3.connect(copy)) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (USER_VERSION,)
    recording = Recording(copy, SECTION_TYPES)
    now = content(recording)["samples"]
    assert recording.last_at < later
    assert len(now) == 2 * len(then)
    assert_contains(now[: len(then) - 1], then[:-1])


def test_a_block_of_an_older_major_version_goes_through_the_chain() -> None:
    """Each function of the chain makes a block one major version younger."""

    def renamed(block: Block) -> Block:
        header = json.loads(block.header)
        header["role"] = f"{header['role']}, upgraded"
        return block._replace(header=json.dumps(header))

    with (
        patch.object(file_format, "MAJOR", MAJOR + 1),
        patch.object(file_format, "BLOCK_UPGRADES", (renamed,)),
    ):
        recording = Recording(RELEASED[0], SECTION_TYPES)
        header = recording.header(recording.first_at)
        assert header is not None
        assert header.role == "admin, upgraded"
        recording.close()


def test_a_newer_recording_is_read_and_not_continued(tmp_path: Path) -> None:
    """A newer minor version is read as far as it is known; a newer major one is refused."""
    copy = tmp_path / "a.pgtop"
    shutil.copy(RELEASED[0], copy)
    set_version(copy, USER_VERSION + 1)
    Recording(copy).close()
    with pytest.raises(RecordingError, match="this pgtop writes version"):
        RecordingWriter(copy)
    set_version(copy, USER_VERSION + 1000)
    with pytest.raises(RecordingError, match="this pgtop reads version"):
        Recording(copy)


def set_version(path: Path, version: int) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute(f"PRAGMA user_version = {version}")
        database.commit()
