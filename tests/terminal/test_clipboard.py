"""A copied text arrives where the words tell: in a real tmux, through a real GNU screen, or at the
terminal.
"""

import base64
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from pgtop.terminal.clipboard import copy
from tests.pty import Terminal

_OSC_52 = re.compile(rb"\x1b\]52;c;([^\x07]*)\x07")
_COPY = """
import asyncio, os, sys
from pgtop.terminal.clipboard import copy
write = lambda text: (sys.stdout.write(text), sys.stdout.flush())
print(asyncio.run(copy(sys.argv[1], os.environ, write)))
sys.stdin.readline()
"""


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[Mapping[str, str]]:
    """Return the environment inside a tmux with its defaults."""
    outside = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    run = ["tmux", "-S", f"{tmp_path}/socket", "-f", "/dev/null"]
    subprocess.run(
        [*run, "new-session", "-d", "sleep 600"],
        check=True,
        env={**outside, "TERM": "xterm"},
    )
    yield {**outside, "TMUX": f"{tmp_path}/socket,0,0"}
    subprocess.run([*run, "kill-server"], check=False, env=outside)


@pytest.mark.system
async def test_inside_tmux_tmux_copies(tmux: Mapping[str, str]) -> None:
    """With tmux's defaults OSC 52 would be ignored: the text is in its buffer, and the terminal
    gets nothing.
    """
    text, written = "SELECT 'é' -- " + "x" * 100_000, list[str]()
    assert (
        await copy(text, tmux, written.append)
    ) == "copied to the tmux buffer and the terminal's clipboard"
    assert _buffer(tmux) == text
    assert not written


def _buffer(tmux: Mapping[str, str]) -> str:
    return subprocess.run(
        ["tmux", "show-buffer"],
        env=tmux,
        capture_output=True,
        check=True,
        encoding="utf-8",
    ).stdout


@pytest.mark.parametrize(
    "script", [None, "exit 1", "exec sleep 600"], ids=["missing", "fails", "hangs"]
)
async def test_a_tmux_that_does_not_take_it_delays_little(
    script: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A missing, failing or hanging tmux is given up, and the terminal gets the text, with words
    that promise no more.
    """
    monkeypatch.setattr("pgtop.terminal.clipboard._SECONDS", 0.1)
    if script:
        (tmp_path / "tmux").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "tmux").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin" if script else str(tmp_path))
    written: list[str] = []
    way = await copy("SELECT 1", {**os.environ, "TMUX": "/nowhere,1,0"}, written.append)
    assert (
        way
        == "sent to tmux by OSC 52, which it ignores unless its option set-clipboard is on"
    )
    assert written == ["\x1b]52;c;U0VMRUNUIDE=\x07"]


async def test_a_text_that_is_too_long_is_cut() -> None:
    """Many terminals drop longer texts: the beginning is better than nothing."""
    written: list[str] = []
    way = await copy("é" * 50_000, {"TERM": "xterm"}, written.append)
    sent = "sent to the terminal by OSC 52, which is never confirmed"
    assert way == f"{sent}, cut to the first 37497 characters"
    [[data]] = [_OSC_52.findall(text.encode()) for text in written]
    assert base64.b64decode(data).decode() == "é" * 37_497


@pytest.mark.system
def test_gnu_screen_passes_the_text_on(tmp_path: Path) -> None:
    """The text arrives at the terminal around it, in pieces of a size that GNU screen passes on."""
    text = "SELECT " + "x" * 2_000
    command = [
        "screen",
        "-c",
        "/dev/null",
        "-S",
        tmp_path.name,
        sys.executable,
        "-c",
        _COPY,
        text,
    ]
    with Terminal(
        command, environment={"TERM": "xterm", "SCREENDIR": str(_private(tmp_path))}
    ) as terminal:
        terminal.wait_for("through GNU screen")
        terminal.wait_for(lambda seen: _OSC_52.search(seen.raw))
        [data] = _OSC_52.findall(terminal.raw)
        assert base64.b64decode(data).decode() == text
        terminal.send("\n")
        terminal.wait_for_exit()


def _private(folder: Path) -> Path:
    private = folder / "s"
    private.mkdir(mode=0o700)
    return private
