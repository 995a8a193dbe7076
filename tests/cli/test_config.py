"""`pgtop config` from its words to its output and its exit code."""

import json
import stat
import tomllib
from pathlib import Path

import pytest

from pgtop.cli.exit_codes import Exit
from pgtop.cli.main import run
from pgtop.config import toml_file
from tests.cli import PGTOP
from tests.keys import READY
from tests.pty import Terminal


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the path of a user's file, which does not exist yet; no other layer sets anything."""
    monkeypatch.setattr(toml_file, "SYSTEM_PATH", tmp_path / "none.toml")
    monkeypatch.delenv("PGTOP_CONFIG", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    return tmp_path / "pgtop" / "config.toml"


def test_a_new_file_is_private_right_and_never_overwritten(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["config", "check"]) == Exit.DONE
    assert "There is no file" in capsys.readouterr().out
    assert run(["config", "path"]) == Exit.DONE
    assert capsys.readouterr().out == f"{path}\n"
    assert run(["config", "init"]) == Exit.DONE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    text = path.read_text()
    assert run(["config", "init"]) == Exit.USAGE
    assert "exists already" in capsys.readouterr().err
    assert path.read_text() == text
    assert run(["config", "check"]) == Exit.DONE
    assert capsys.readouterr().out == f"{path}: no mistakes\n"


def test_values_are_shown_with_their_origin(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The output is TOML with the same values; as JSON each value is an object."""
    path.parent.mkdir()
    text = '[display]\nwarn = 50\n[servers.a]\nservice = "a"\n[keys]\npreset = "vim"\n'
    path.write_text(text)
    monkeypatch.setenv("PGTOP_THEME", "dark")
    assert run(["config"]) == Exit.DONE
    shown = capsys.readouterr().out
    assert f"# {path}:2" in shown
    assert "# PGTOP_THEME" in shown
    read = tomllib.loads(shown)
    assert (read["display"]["warn"], read["display"]["theme"]) == (50, "dark")
    assert read["servers"]["a"] == {"service": "a"}
    assert run(["config", "show", "--json"]) == Exit.DONE
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    origins = {(row["table"], row["key"]): row["layer"] for row in rows}
    assert origins["display", "theme"] == "environment"
    assert origins["servers.a", "service"] == "user file"
    assert origins["", "read_only"] == "default"
    path.write_text(shown)
    assert run(["config", "check"]) == Exit.DONE


def test_every_mistake_is_a_line_with_its_place(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path.parent.mkdir()
    path.write_text(
        "protect = ['foer:x']\n[display]\nthem = 1\nview = 'lokcs'\ntheme = 'drak'\n"
    )
    assert run(["config", "check"]) == Exit.USAGE
    lines = capsys.readouterr().err.splitlines()
    for number, nearest in ((1, ""), (3, "theme"), (4, "locks"), (5, "dark")):
        line = next(line for line in lines if f"{path}:{number}:" in line)
        assert nearest in line
    assert run(["config", "show"]) == Exit.USAGE
    assert run(["config", "shwo"]) == Exit.USAGE


def test_the_filters_of_a_file_are_checked(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Other commands read only the filters that they need."""
    path.parent.mkdir()
    path.write_text(
        "[filters]\nleak = 'foer:x'\ngood = 'age>1m @leak'\n"
        "[views.a]\nfilter = 'stat:x'\n[views.b]\nfilter = 'state:idle'\n"
        "[servers.a]\nservice = 'a'\nprotect = ['sate:idle']\n"
    )
    assert run(["config", "check"]) == Exit.USAGE
    lines = capsys.readouterr().err.splitlines()
    places = [int(line.split("config.toml:")[1].split(":")[0]) for line in lines]
    assert places == [2, 3, 5, 10]


def test_the_schema_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["config", "schema"]) == Exit.DONE
    assert json.loads(capsys.readouterr().out)["type"] == "object"


def test_the_dashboard_opens_on_a_wrong_file(dsn: str, state: dict[str, str]) -> None:
    """Read-only, with a sentence and with the defaults for what is wrong; the rest is in force."""
    text = "[display]\ntheme = 'drak'\nview = 'locks'\n"
    Path(state["PGTOP_CONFIG"]).write_text(text)
    with Terminal([*PGTOP, dsn], 120, 30, environment=state) as terminal:
        terminal.wait_for(READY)
        terminal.wait_for("READ-ONLY")
        terminal.wait_for("config.toml:2: there is no theme")
        terminal.wait_for("HOLDS BACK VACUUM")
        terminal.send("1")
        terminal.wait_for("worst first")
        terminal.send("K")
        terminal.wait_for("signals are disabled: ")
        terminal.send("q")
        assert terminal.wait_for_exit() == Exit.DONE
