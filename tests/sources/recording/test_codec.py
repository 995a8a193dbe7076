"""A block gives back the samples that went into it, and no damage gives a wrong one."""

import json
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pgtop.model.snapshot import IdleGroup, Snapshot
from pgtop.sources.recording.codec import MOST_LINES, BlockDecoder, BlockEncoder
from tests import scenes
from tests.model.test_serialise import Size, snapshots

_SECTIONS = {"sizes": tuple[Size, ...]}


def histories() -> st.SearchStrategy[list[Snapshot]]:
    """Build samples in which each pid occurs once."""
    return st.lists(snapshots().map(_with_single_pids), min_size=1, max_size=4)


def _with_single_pids(snapshot: Snapshot) -> Snapshot:
    rows = {backend.pid: backend for backend in snapshot.ungrouped}
    idle = [b for b in snapshot.idle_group.backends if b.pid not in rows]
    group = {backend.pid: backend for backend in idle}
    return replace(
        snapshot,
        ungrouped=tuple(rows.values()),
        idle_group=IdleGroup(tuple(group.values())),
    )


def encoded(history: list[Snapshot]) -> bytes:
    encoder = BlockEncoder()
    return b"".join([encoder.add(snapshot) for snapshot in history])


def samples(block: bytes) -> Iterator[Snapshot]:
    decoder = BlockDecoder(block, _SECTIONS)
    for number in range(len(decoder)):
        yield decoder.sample(number)


def assert_equal(one: Snapshot, other: Snapshot) -> None:
    assert one.idle_group.backends == other.idle_group.backends
    assert replace(one, idle_group=other.idle_group) == other


@settings(max_examples=100)
@given(histories())
def test_a_block_gives_back_its_samples(history: list[Snapshot]) -> None:
    """Every field of every sample survives, whatever changed in between."""
    for before, after in zip(samples(encoded(history)), history, strict=True):
        assert_equal(before, after)


@settings(max_examples=100)
@given(histories(), st.data())
def test_a_cut_block_gives_back_its_first_samples(
    history: list[Snapshot], data: st.DataObject
) -> None:
    """A cut at any byte loses the last samples and changes none."""
    block = encoded(history)
    cut = block[: data.draw(st.integers(0, len(block)))]
    originals = iter(history)
    with suppress(ValueError):
        for snapshot in samples(cut):
            assert_equal(snapshot, next(originals))


def test_a_busy_server_takes_little_space() -> None:
    """A sample in which nothing but the time changes takes less than 200 bytes."""
    encoder = BlockEncoder()
    snapshot = scenes.busy()
    whole = len(encoder.add(snapshot))
    later = replace(snapshot, taken_at=snapshot.taken_at + 1_000_000)
    assert len(encoder.add(later)) < 200 < whole


def test_texts_that_are_no_list_are_damage() -> None:
    """A hostile file ends the reading of its block, and not the program."""
    line = encoded([scenes.busy()])
    lines = json.loads(zlib.decompressobj().decompress(line))
    for wrong in (1, None, {"0": "select"}):
        block = zlib.compress(json.dumps({**lines, "texts": wrong}).encode() + b"\n")
        with pytest.raises(ValueError, match="a list of texts"):
            list(samples(block))


def test_a_block_of_empty_lines_takes_no_memory() -> None:
    """A file of 250 KB would take two gigabytes."""
    block = zlib.compress(b"\n" * (MOST_LINES + 1))
    with pytest.raises(ValueError, match="too many samples"):
        list(samples(block))
