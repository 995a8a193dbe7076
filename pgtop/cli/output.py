"""What goes out: data on stdout, sentences on stderr, which are cleaned here."""

import io
import os
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress

from pgtop.errors import OutputError
from pgtop.text.tone import Span, Tone


def report(what: str, advice: str = "") -> None:
    """One line for people, on stderr. A terminal that has hung up hears nothing, and that is no
    error.
    """
    from pgtop.text.clean import clean

    if sys.stderr is None:
        return
    with suppress(OSError):
        print(
            f"pgtop: {clean(' '.join(map(sentence, filter(None, (what, advice)))))}",
            file=sys.stderr,
            flush=True,
        )


def sentence(words: str) -> str:
    """End the words as a sentence. Servers and libraries end theirs with a line break, a full stop
    or nothing.
    """
    words = words.strip()
    return words if words.endswith((".", "!", "?", "…")) else f"{words}."


def write(text: str) -> None:
    """Text for people on stdout, in ASCII where the locale is not UTF-8. Raises OutputError."""
    write_data(for_locale(text))


def for_locale(text: str) -> str:
    """Return the text in ASCII where the locale is not UTF-8."""
    from pgtop.text.ascii import to_ascii

    return text if locale_is_utf8(os.environ, sys.flags.utf8_mode) else to_ascii(text)


def write_data(text: str) -> None:
    """`text` on stdout in UTF-8, whatever the locale. Raises OutputError, but not for a reader that
    has left.
    """
    with suppress(ReaderLeftError):
        deliver(text)


class ReaderLeftError(OutputError):
    """Whatever reads standard output has closed it."""


def deliver(text: str) -> None:
    """Write `text` to stdout in UTF-8. Raises OutputError, and ReaderLeftError where nothing reads
    it.
    """
    if sys.stdout is None:
        raise OutputError("Standard output is closed.")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", newline="")
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError as error:
        _forget_the_rest()
        raise ReaderLeftError("Nothing reads the output.") from error
    except OSError as error:
        _forget_the_rest()
        raise OutputError(f"The output could not be written: {error.strerror}.") from error


def _forget_the_rest() -> None:
    """Python would try to write it once more on leaving, and complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def is_terminal() -> bool:
    """Whether stdout is a terminal."""
    return sys.stdout is not None and sys.stdout.isatty()


def has_styles() -> bool:
    """Return whether stdout is a terminal with colours and bold text, and the user has not refused
    them.
    """
    return is_terminal() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def columns() -> int | None:
    """Return the cells of a line: COLUMNS, which `watch` sets, or else those of the terminal that
    stdout is.

    None where there is neither, and lines may be as long as they need.
    """
    return _chosen_columns(os.environ.get("COLUMNS", "")) or (
        _terminal_columns() if is_terminal() else None
    )


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
        return os.get_terminal_size(sys.stdout.fileno()).columns or _USUAL
    except OSError:
        return _USUAL


def locale_is_utf8(environ: Mapping[str, str], utf8_mode: int) -> bool:
    """Whether the user's locale is UTF-8, whatever Python has made of it.

    In the C locale Python turns its UTF-8 mode on and sets LC_CTYPE to C.UTF-8, which is not the
    user's word then.
    https://peps.python.org/pep-0538/
    """
    ctype = environ.get("LC_CTYPE", "")
    if ctype == "C.UTF-8" and utf8_mode:
        ctype = ""
    name = environ.get("LC_ALL") or ctype or environ.get("LANG") or "C"
    return name.lower().replace("-", "").endswith("utf8") or ".utf8@" in name.lower().replace(
        "-", ""
    )


# For a plain terminal what the themes are for the screen: each tone's attributes by their numbers
# in ECMA-48.
_SGR = {
    Tone.QUIET: "2",
    Tone.STRONG: "1",
    Tone.CALM: "32",
    Tone.NOTICE: "36",
    Tone.WARN: "33",
    Tone.ALARM: "1;31",
}


def page(lines: Iterable[Iterable[Span]], color: bool) -> str:
    """Cleaned lines as a text for stdout; with `color` in colours, where it has some and nobody has
    refused them.
    """
    colors = color and has_styles()
    return "".join(f"{painted(spans, colors)}\n" for spans in lines)


def painted(spans: Iterable[Span], color: bool) -> str:
    """Cleaned spans as a line of text; with `color`, in the terminal's own colours."""
    spans = list(spans)
    if not color:
        return "".join(text for text, _ in spans).rstrip(" ")
    return "".join(
        f"\x1b[{_SGR[tone]}m{text}\x1b[m" if tone in _SGR else text for text, tone in spans
    ).rstrip(" ")
