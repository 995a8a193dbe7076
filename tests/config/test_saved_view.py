"""A view is added to the user's file, which keeps everything else as it was."""

import os
import stat
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgtop.config.saved_view import NotSavedError, save_view, table_of
from pgtop.config.views import ViewProfile

VIEW = ViewProfile("slow", filter='app:"a b" age>5m', sort="age", columns=("pid:8",))


@pytest.mark.parametrize("before", ["", "# mine", "read_only = true\n[views.other]\n"])
def test_the_file_keeps_text_mode_and_link(tmp_path: Path, before: str) -> None:
    path = tmp_path / "dotfiles.toml"
    path.write_text(before)
    path.chmod(0o640)
    link = tmp_path / "config.toml"
    link.symlink_to(path)
    save_view(link, VIEW)
    assert link.is_symlink()
    assert path.read_text().startswith(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    view = tomllib.loads(path.read_text())["views"]["slow"]
    assert view == {"filter": VIEW.filter, "sort": "age", "columns": ["pid:8"]}
    assert sorted(os.listdir(tmp_path)) == ["config.toml", "dotfiles.toml"]


def test_a_new_file_is_private(tmp_path: Path) -> None:
    path = tmp_path / "pgtop" / "config.toml"
    save_view(path, VIEW)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text() == table_of(VIEW)


@pytest.mark.parametrize(
    ("before", "words"),
    [
        ("[views.slow]\n", "already"),
        ("views = { x = {} }\n", "no more tables"),
        ("= x", "wrong"),
        ("\udcff", "wrong"),
    ],
)
def test_a_file_that_takes_no_view_stays(
    tmp_path: Path, before: str, words: str
) -> None:
    path = tmp_path / "config.toml"
    content = before.encode(errors="surrogateescape")
    path.write_bytes(content)
    with pytest.raises(NotSavedError, match=words):
        save_view(path, VIEW)
    assert path.read_bytes() == content
    assert os.listdir(tmp_path) == ["config.toml"]


def test_a_folder_in_the_way_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(NotSavedError, match="was not changed"):
        save_view(tmp_path, VIEW)


@given(st.text().filter(str.isprintable), st.none() | st.floats(0.2, 60))
def test_any_view_is_read_as_it_was_saved(filter: str, interval: float | None) -> None:
    profile = ViewProfile("slow", filter=filter, interval=interval)
    read = tomllib.loads(table_of(profile))["views"]["slow"]
    assert read.get("filter", "") == filter
    assert read.get("interval") == interval
