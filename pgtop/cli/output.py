"""Output: data on stdout, and sentences on stderr, which are cleaned here."""

import io
import os
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress

from pgtop.errors import OutputError, reason_of
from pgtop.text.tone import Span, Tone

_PAGE_WIDTH = 160
"""Cells of a page that does not go to a terminal."""
WIDEST_BANNER = 120
"""Cells of the lines about the server above a table."""


class ReaderGoneError(OutputError):
    """The reader of stdout has closed it."""


def report(what: str, advice: str = "") -> None:
    """Print one line for people on stderr. A terminal that has hung up is no error."""
    from pgtop.text.clean import clean

    if sys.stderr is None:
        return
    sentences = [sentence(part) for part in (what, advice) if part]
    line = clean(" ".join(sentences))
    with suppress(OSError):
        print(f"pgtop: {line}", file=sys.stderr, flush=True)


def sentence(text: str) -> str:
    """End the text as a sentence.

    Servers and libraries end their messages with a line break, a full stop or nothing.
    """
    text = text.strip()
    is_ended = text.endswith((".", "!", "?", "…"))
    return text if is_ended else f"{text}."


def write(text: str) -> None:
    """Write text for people to stdout, in ASCII if the locale is not UTF-8. Raises OutputError."""
    write_data(for_locale(text))


def for_locale(text: str) -> str:
    """Return the text, in ASCII if the locale is not UTF-8."""
    from pgtop.text.ascii import to_ascii

    return text if locale_is_utf8(os.environ, sys.flags.utf8_mode) else to_ascii(text)


def write_data(text: str) -> None:
    """Write `text` to stdout in UTF-8, whatever the locale. Raises OutputError, except for a reader
    that is gone.
    """
    with suppress(ReaderGoneError):
        deliver(text)


def deliver(text: str) -> None:
    """Write `text` to stdout in UTF-8. Raises OutputError, or ReaderGoneError if nothing reads
    it.
    """
    if sys.stdout is None:
        raise OutputError("stdout is closed.")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", newline="")
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError as error:
        _discard_the_rest()
        raise ReaderGoneError("Nothing reads the output.") from error
    except OSError as error:
        _discard_the_rest()
        raise OutputError(
            f"The output could not be written: {reason_of(error)}."
        ) from error


def _discard_the_rest() -> None:
    """Keep Python from writing the rest again on exit, and from complaining."""
    from pgtop.files import open_nowhere

    nowhere = open_nowhere()
    os.dup2(nowhere, sys.stdout.fileno())


def is_terminal() -> bool:
    """Return whether stdout is a terminal."""
    return sys.stdout is not None and sys.stdout.isatty()


def has_styles() -> bool:
    """Return whether stdout is a terminal with colours and bold text, and NO_COLOR is not set."""
    if not is_terminal() or os.environ.get("NO_COLOR"):
        return False
    return os.environ.get("TERM") != "dumb"


def columns() -> int | None:
    """Return the cells of a line: COLUMNS, which `watch` sets, or else those of the terminal.

    None: there is neither, and a line may be as long as it needs.
    """
    chosen = _chosen_columns(os.environ.get("COLUMNS", ""))
    if chosen or not is_terminal():
        return chosen
    return _terminal_columns()


def page_width() -> int:
    """Return the cells of a page: see `columns`."""
    return columns() or _PAGE_WIDTH


def text_columns() -> int:
    """Return the cells of a line of prose: as many as there are, unless they are hard to read."""
    return min(columns() or _USUAL, _WIDEST_PROSE)


_WIDEST_PROSE = 100
_WIDEST = 10_000
"""Cells; a wider line is a mistake, and would cost memory."""
_USUAL = 80


def _chosen_columns(text: str) -> int | None:
    """Return the number that COLUMNS is set to, if it is a width."""
    is_number = text.isascii() and text.isdecimal() and len(text) <= len(str(_WIDEST))
    return int(text) if is_number and 0 < int(text) <= _WIDEST else None


def _terminal_columns() -> int:
    """Return the width that the kernel knows; a serial line has none."""
    try:
        size = os.get_terminal_size(sys.stdout.fileno())
    except OSError:
        return _USUAL
    return size.columns or _USUAL


def locale_is_utf8(environ: Mapping[str, str], utf8_mode: int) -> bool:
    """Return whether the user's own locale is UTF-8.

    In the C locale Python turns its UTF-8 mode on and sets LC_CTYPE to C.UTF-8, which the user did
    not choose then. https://peps.python.org/pep-0538/
    """
    ctype = environ.get("LC_CTYPE", "")
    if ctype == "C.UTF-8" and utf8_mode:
        ctype = ""
    locale = environ.get("LC_ALL") or ctype or environ.get("LANG") or "C"
    name = locale.lower().replace("-", "")
    return name.endswith("utf8") or ".utf8@" in name


_SGR = {
    Tone.QUIET: "2",
    Tone.STRONG: "1",
    Tone.CALM: "32",
    Tone.NOTICE: "36",
    Tone.WARN: "33",
    Tone.ALARM: "1;31",
}
"""The attributes of tones on a plain terminal, by their numbers in ECMA-48."""


def page(lines: Iterable[Iterable[Span]], color: bool) -> str:
    """Return cleaned lines as text for stdout, in colours if `color` is set and stdout has some."""
    is_colored = color and has_styles()
    return "".join(f"{painted(spans, is_colored)}\n" for spans in lines)


def painted(spans: Iterable[Span], color: bool) -> str:
    """Return cleaned spans as a line of text; with `color`, in the terminal's own colours."""
    parts = [_painted_span(span, color) for span in spans]
    return "".join(parts).rstrip(" ")


def _painted_span(span: Span, color: bool) -> str:
    text, tone = span
    if not color or tone not in _SGR:
        return text
    return f"\x1b[{_SGR[tone]}m{text}\x1b[m"
