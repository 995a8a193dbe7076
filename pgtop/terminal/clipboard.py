"""The ways to a clipboard from a terminal, and words for the one that was taken.

A terminal may set its clipboard by OSC 52. Multiplexers do not pass that on: tmux has a command,
which also hands the text on to its own terminal, and GNU screen passes on what another sequence
wraps.
"""

import asyncio
import base64
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Callable, Mapping
from contextlib import suppress

_MOST = 74_994
"""Bytes that common terminals take; some of them drop a longer text whole."""
_SECONDS = 2.0
"""Seconds after which tmux is not waited for."""
_CHUNK = 240
"""Characters that GNU screen takes in one sequence."""


async def copy(
    text: str, environ: Mapping[str, str], write: Callable[[str], None]
) -> str:
    """Set the clipboard to the text, or to the part of it that fits; return which way that took,
    and how much.
    """
    data = text.encode("utf-8", "replace")
    if environ.get("TMUX") and (way := await _by_tmux(data, environ)):
        return way
    kept = data[:_MOST].decode("utf-8", "ignore")
    write(_sequence(kept, in_screen=bool(environ.get("STY"))))
    cut = f", cut to the first {len(kept)} characters" if len(data) > _MOST else ""
    return f"{_way(environ)}{cut}"


async def _by_tmux(data: bytes, environ: Mapping[str, str]) -> str:
    """Have tmux take the text; return words for that, or "" if it does not.

    -w, for its terminal's clipboard, came with 3.2.
    """
    if await _runs(data, environ, "-w"):
        return "copied to the tmux buffer and the terminal's clipboard"
    return "copied to the tmux buffer" if await _runs(data, environ) else ""


async def _runs(data: bytes, environ: Mapping[str, str], *options: str) -> bool:
    try:
        tmux = await asyncio.create_subprocess_exec(
            "tmux",
            "load-buffer",
            *options,
            "-",
            env=dict(environ),
            stdin=PIPE,
            stdout=DEVNULL,
            stderr=DEVNULL,
        )
    except OSError:
        return False
    try:
        async with asyncio.timeout(_SECONDS):
            await tmux.communicate(data)
    except TimeoutError:
        return False
    finally:
        with suppress(ProcessLookupError):
            tmux.kill()
    return tmux.returncode == 0


def _sequence(text: str, in_screen: bool) -> str:
    sequence = f"\x1b]52;c;{base64.b64encode(text.encode()).decode()}\x07"
    if not in_screen:
        return sequence
    chunks = (
        sequence[start : start + _CHUNK] for start in range(0, len(sequence), _CHUNK)
    )
    return "".join(f"\x1bP{chunk}\x1b\\" for chunk in chunks)


def _way(environ: Mapping[str, str]) -> str:
    if environ.get("STY"):
        return "sent through GNU screen to the terminal by OSC 52, which is never confirmed"
    if environ.get("TMUX") or environ.get("TERM", "").startswith("tmux"):
        return "sent to tmux by OSC 52, which it ignores unless its option set-clipboard is on"
    return "sent to the terminal by OSC 52, which is never confirmed"
