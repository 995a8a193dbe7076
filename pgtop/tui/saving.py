"""Texts into files that a user asks for: always new ones, for no other user to read."""

import asyncio
from datetime import datetime
from functools import partial
from pathlib import Path

from pgtop.files import in_time, write_new
from pgtop.text.clean import clean
from pgtop.text.tone import Tone


def unused_name(stem: str, suffix: str) -> str:
    """Return a name for a file that is unlikely to exist: it has the time in it."""
    now = datetime.now().astimezone()
    return f"pgtop-{stem}-{now:%Y%m%d-%H%M%S}{suffix}"


async def save(name: str, text: str) -> tuple[str, Tone]:
    """Write `text` into a new file; return a sentence about that, cleaned, and its tone."""
    content = text.encode("utf-8", "replace")
    try:
        place = await asyncio.to_thread(in_time, partial(_write, name, content))
    except FileExistsError:
        return f"{clean(name)} exists already and was left as it is", Tone.WARN
    # RuntimeError: no home; ValueError: a name that no file has.
    except (OSError, RuntimeError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        return f"{clean(name)} was not written: {clean(reason or '')}", Tone.WARN
    return f"written to {clean(str(place))}", Tone.NOTICE


def _write(name: str, content: bytes) -> Path:
    path = Path(name).expanduser().absolute()
    write_new(path, content)
    return path
