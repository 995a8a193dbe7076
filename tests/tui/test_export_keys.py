"""The export key writes new files only, at the name that the user accepts."""

from functools import partial
from pathlib import Path

import pytest

from tests.scenes import busy
from tests.tui.apps import SIZE, Stage, press, text_of
from tests.waiting import until_async

AS_CSV = ["export", "cursor_down", "cursor_down", "open"]


async def shows_notice(stage: Stage, words: str) -> bool:
    return words in " ".join(text_of(stage, "#notice").split())


async def test_a_table_goes_into_a_new_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The offered name can be changed; a file that exists stays as it is."""
    monkeypatch.chdir(tmp_path)
    stage = Stage(busy())
    async with stage.app.run_test(size=SIZE) as pilot:
        for outcome in ("written to", "exists already"):
            await press(pilot, *AS_CSV, "ctrl+u", *"mine.csv", "open")
            await until_async(partial(shows_notice, stage, outcome))
        await press(pilot, *AS_CSV, "open")
        await until_async(partial(shows_notice, stage, "written to"))
        await press(pilot, *AS_CSV, "clear")
    assert_are_private(tmp_path)


def assert_are_private(folder: Path) -> None:
    names = sorted([file.name for file in folder.iterdir()])
    assert names[0] == "mine.csv"
    assert len(names) == 2
    assert names[1].startswith("pgtop-sessions-20")
    for name in names:
        assert (folder / name).stat().st_mode & 0o777 == 0o600
        assert (folder / name).read_text().startswith("datid,datname,pid,")


@pytest.mark.parametrize("view", ["show_breakdown", "show_locks"])
async def test_every_view_is_exported(
    view: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    stage = Stage(busy())
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, view, "export", "cursor_last", "open", "open")
        await until_async(partial(shows_notice, stage, "written to"))
