"""Earlier filters in their file, which may hold anything."""

import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pgtop.config.settings import Settings
from pgtop.tui.filter_history import MOST, FilterHistory
from pgtop.tui.text_input import MAX_CHARACTERS
from tests.scenes import busy
from tests.tui.apps import SIZE, Stage, press, sessions_of

_FILTERS = st.lists(st.text(max_size=MAX_CHARACTERS + 20), max_size=8)


def history_of(path: Path) -> FilterHistory:
    history = FilterHistory(path)
    history.read()
    return history


def test_filters_are_kept_for_no_other_user(tmp_path: Path) -> None:
    """The newest comes first, each once, in a file of mode 0600 in a folder of mode 0700."""
    path = tmp_path / "state/pgtop/filters"
    for text in ("db:shop", "user:web", "db:shop"):
        history = history_of(path)
        history.add(text)
        history.write()
    assert history_of(path).texts == ("db:shop", "user:web")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [each.name for each in path.parent.iterdir()] == ["filters"]


def test_two_dashboards_keep_both_their_filters(tmp_path: Path) -> None:
    path = tmp_path / "filters"
    one, other = history_of(path), history_of(path)
    one.add("db:shop")
    one.write()
    other.add("user:web")
    other.write()
    assert history_of(path).texts == ("user:web", "db:shop")


@settings(max_examples=100, deadline=None)
@given(content=st.binary(max_size=400), texts=_FILTERS)
def test_any_bytes_are_read_as_usable_filters(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, texts: list[str]
) -> None:
    """The filters of any bytes are short and printable, and more can be added to them."""
    path = tmp_path_factory.mktemp("history") / "filters"
    path.write_bytes(content)
    history = history_of(path)
    for text in texts:
        history.add(text)
    history.write()
    kept = history_of(path).texts
    assert kept == history.texts
    for text in kept:
        assert text.isprintable()
        assert 0 < len(text) <= MAX_CHARACTERS


def test_the_number_of_filters_is_bounded(tmp_path: Path) -> None:
    """The oldest are dropped, and a file that grew to anything is read up to a bound."""
    path = tmp_path / "filters"
    history = history_of(path)
    for number in range(MOST + 50):
        history.add(f"pid:{number}")
    history.write()
    texts = history_of(path).texts
    assert (texts[0], len(texts)) == (f"pid:{MOST + 49}", MOST)
    path.write_bytes(b"db:shop\n" + b"x" * 10_000_000)
    assert history_of(path).texts[0] == "db:shop"


@pytest.mark.parametrize("kind", ["link", "folder", "another name"])
def test_a_file_that_is_not_ours_alone_is_neither_read_nor_replaced(
    tmp_path: Path, kind: str
) -> None:
    path = tmp_path / "filters"
    other = tmp_path / "other"
    other.write_text("db:shop\n")
    if kind == "link":
        path.symlink_to(other)
    elif kind == "folder":
        path.mkdir()
    else:
        path.hardlink_to(other)
    history = history_of(path)
    assert not history.texts
    history.add("user:web")
    history.write()
    assert history.texts == ("user:web",)
    assert other.read_text() == "db:shop\n"
    assert not path.is_symlink() or path.readlink() == other


def test_without_a_file_filters_are_remembered_only_here() -> None:
    history = FilterHistory(None)
    history.read()
    history.add("db:shop")
    history.write()
    assert history.texts == ("db:shop",)


async def test_up_brings_back_what_an_earlier_dashboard_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Enter keeps a filter for the next dashboard; with masked literals nothing is kept."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    for keeps, expected in ((True, ""), (False, ""), (True, "user:anna")):
        stage = Stage(busy(), Settings(keeps_filters=keeps))
        async with stage.app.run_test(size=SIZE) as pilot:
            await press(pilot, "filter", "up")
            assert sessions_of(stage)._input.value == expected
            text = "user:anna" if keeps else "user:secret"
            await press(pilot, "ctrl+u", *text, "open")
            for worker in stage.app.workers:
                if worker.name == "filters":
                    await worker.wait()
    assert (tmp_path / "pgtop/filters").read_text() == "user:anna\n"
