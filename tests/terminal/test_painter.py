"""Frames through a canvas and a painter: the terminal shows the same as by the frames themselves,
with fewer and harmless bytes.
"""

import re
import unicodedata
from typing import Any, NamedTuple

import pyte
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wcwidth import wcwidth

from pgtop.terminal.canvas import Canvas, is_frame
from pgtop.terminal.cursor import move
from pgtop.terminal.painter import Painter
from pgtop.terminal.style import PLAIN, Style, change, restyled

COLUMNS, LINES = 14, 5
HARMLESS = re.compile(
    r"(?:\x1b\[[0-9;]*H|\x1b\[[0-9]*[ABCD]|\x1b\[[0-9;]*m|\x1b\[K|\x1bM|[\b\r\n]|[^\x00-\x1f\x7f-\x9f])*"
)


class Reference(pyte.Screen):
    """pyte with the two things right that terminals agree on and it does not do.

    It leaves the other half of an overwritten wide character, and puts a mark that follows a wide
    character on its empty second half (or on the line before, at the first column).
    """

    def draw(self, data: str) -> None:
        for character in data:
            if width := wcwidth(character):
                self._halve(self.cursor.x)
                self._halve(self.cursor.x + width)
                super().draw(character)
            elif self.cursor.x:
                self._mark(character)

    def _halve(self, x: int) -> None:
        line = self.buffer[self.cursor.y]
        if 0 < x < self.columns and line[x].data == "":
            line[x - 1] = line[x - 1]._replace(data=" ")
            line[x] = line[x]._replace(data=" ")

    def _mark(self, mark: str) -> None:
        line = self.buffer[self.cursor.y]
        x = self.cursor.x - (2 if line[self.cursor.x - 1].data == "" else 1)
        line[x] = line[x]._replace(
            data=unicodedata.normalize("NFC", line[x].data + mark)
        )


class Show:
    """A reference terminal and the bytes that it was sent."""

    def __init__(self, columns: int = COLUMNS, lines: int = LINES) -> None:
        self.screen = Reference(columns, lines)
        self.screen.reset_mode(7, private=True)
        self._stream = pyte.Stream(self.screen)

    def feed(self, text: str) -> None:
        self._stream.feed(text)

    @property
    def shown_frame(self) -> tuple[Any, ...]:
        """The cells with their styles, and the cursor (which may hang behind the last column, and
        is there in no model).
        """
        screen = self.screen
        cells = [
            [screen.buffer[y][x] for x in range(screen.columns)]
            for y in range(screen.lines)
        ]
        return cells, (min(screen.cursor.x, screen.columns - 1), screen.cursor.y)


class Piece(NamedTuple):
    """Text at a place in a style; `noise` is what must be dropped, between the text's
    characters."""

    x: int
    y: int
    style: str
    text: str
    noise: tuple[str, ...]

    def written(self, noisy: bool) -> str:
        text = (
            "".join(a + b for a, b in zip(self.text, self.noise, strict=True))
            if noisy
            else self.text
        )
        return f"\x1b[{self.y + 1};{self.x + 1}H\x1b[{self.style}m{text}\x1b[0m"


CHARACTERS = st.sampled_from(
    [
        *"ab 01",
        " ",
        " ",
        "é",
        "e\u0301",
        "─",
        "█",
        "漢",
        "字",
        "漢\u0301",
        "한",
        "🐘",
        "🚀",
        "\u0301",
    ]
)
NOISE = st.sampled_from(
    [
        "",
        "",
        "",
        "\x1b",
        "\x9b",
        "\x9d",
        "\x07",
        "\b",
        "\r",
        "\t",
        "\x00",
        "\x7f",
        "\x0e",
        "\u202e",
    ]
)
COLOURS = [
    "31",
    "32",
    "97",
    "44",
    "38;5;208",
    "48;5;17",
    "38;2;1;2;3",
    "48;2;9;8;7",
    "48;2;9;8;6",
    "39",
    "49",
]
STYLES = st.lists(
    st.sampled_from(["1", "3", "4", "5", "7", "9", "22", "24", "27", "0", *COLOURS]),
    max_size=4,
).map(";".join)


@st.composite
def pieces(draw: st.DrawFn) -> Piece:
    x, y = draw(st.integers(0, COLUMNS - 1)), draw(st.integers(0, LINES - 1))
    text = ""
    for character in draw(st.lists(CHARACTERS, max_size=COLUMNS)):
        if x + sum(map(wcwidth, text + character)) <= COLUMNS:
            text += character
    noise = draw(st.lists(NOISE, min_size=len(text), max_size=len(text)))
    return Piece(x, y, draw(STYLES), text, tuple(noise))


class Frame(NamedTuple):
    pieces: list[Piece]
    x: int
    y: int
    forgets: bool

    def written(self, noisy: bool) -> str:
        return (
            "".join(piece.written(noisy) for piece in self.pieces)
            + f"\x1b[{self.y + 1};{self.x + 1}H"
        )


FRAMES = st.lists(
    st.builds(
        Frame,
        st.lists(pieces(), max_size=6),
        st.integers(0, COLUMNS - 1),
        st.integers(0, LINES - 1),
        st.sampled_from([False, False, False, True]),
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=150, deadline=None)
@given(FRAMES, st.booleans())
def test_the_diffed_stream_shows_the_frames(
    frames: list[Frame], erases_in_colour: bool
) -> None:
    """After every frame cells, styles and cursor are the same, despite hostile characters."""
    whole, diffed = Show(), Show()
    canvas, painter = Canvas(COLUMNS, LINES), Painter(erases_in_colour=erases_in_colour)
    for frame in frames:
        if frame.forgets:
            painter.forget()
        canvas.apply(frame.written(noisy=True))
        whole.feed(frame.written(noisy=False))
        diffed.feed(painter.paint(canvas))
        assert diffed.shown_frame == whole.shown_frame


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(pieces(), max_size=6), min_size=1, max_size=6))
def test_drawn_lines_look_like_frames_of_them(frames: list[list[Piece]]) -> None:
    """A line that is drawn by cells, hostile characters included, looks as if Textual had written
    it.
    """
    written, drawn = Canvas(COLUMNS, LINES), Canvas(COLUMNS, LINES)
    for shown_frame in frames:
        for piece in shown_frame:
            # A mark before all text belongs to nothing that is drawn with it.
            if wcwidth(piece.text[:1] or " "):
                written.apply(piece.written(noisy=False))
                text = "".join(
                    a + b for a, b in zip(piece.text, piece.noise, strict=True)
                )
                drawn.draw(
                    piece.x, piece.y, COLUMNS, [(text, restyled(PLAIN, piece.style))]
                )
        assert [line.cells for line in drawn.lines] == [
            line.cells for line in written.lines
        ]
        assert [line.styles for line in drawn.lines] == [
            line.styles for line in written.lines
        ]


@pytest.mark.parametrize(
    ("text", "shown"), [("abcdef", ".abc."), ("ab漢d", ".ab ."), ("e\u0301漢", ".é漢.")]
)
def test_lines_are_drawn_within_their_width(text: str, shown: str) -> None:
    """Text that does not fit is cut off, never within a wide character; its neighbours stay."""
    canvas = Canvas(5, 1)
    canvas.apply("\x1b[1;1H.....")
    canvas.draw(1, 0, 3, [(text, PLAIN)])
    canvas.draw(0, 7, 3, [("below the screen", PLAIN)])
    assert unicodedata.normalize("NFC", "".join(canvas.lines[0].cells)) == shown


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.text(
            alphabet=st.one_of(
                st.characters(), st.sampled_from("\x1b[]0123456789;:?mHJKP\\\x9b\x07")
            )
        )
    )
)
def test_nothing_but_text_positions_and_styles_reaches_the_terminal(
    texts: list[str],
) -> None:
    """No other sequence comes out, whatever the frames hold; every cell counts, and the bytes can
    be encoded.
    """
    canvas, painter = Canvas(COLUMNS, LINES), Painter()
    for text in texts:
        canvas.apply("\x1b[2;3H" + text)
        canvas.draw(2, 3, COLUMNS, [(text, PLAIN)])
        sent = painter.paint(canvas)
        assert HARMLESS.fullmatch(sent)
        sent.encode("utf-8", "replace")
        assert {len(line.cells) for line in canvas.lines} == {COLUMNS}


@settings(max_examples=100, deadline=None)
@given(st.lists(STYLES, max_size=3), st.lists(STYLES, max_size=3), st.booleans())
def test_a_style_change_ends_in_the_wanted_style(
    first: list[str], second: list[str], known: bool
) -> None:
    """The sequence between two styles gives the second, from the first as well as from an unknown
    style.
    """
    old, new = restyled(PLAIN, ";".join(first)), restyled(PLAIN, ";".join(second))
    sequence = change(old if known else None, new)
    assert restyled(old, sequence[2:-1]) == new if sequence else old == new


@pytest.mark.parametrize(
    ("old", "new", "sequence"),
    [
        ("", "", ""),
        ("31", "", "\x1b[m"),
        ("31;44", "32;44", "\x1b[32m"),
        ("1;31", "31", "\x1b[22m"),
        ("1;2", "2", "\x1b[0;2m"),
        ("1", "1;2", "\x1b[0;1;2m"),
        ("38;2;1;2;3;48;2;4;5;6", "38;2;1;2;3;48;2;4;5;6;7", "\x1b[7m"),
        ("38;2;1;2;3;48;2;4;5;6;7", "38;2;1;2;3;48;2;4;5;6", "\x1b[27m"),
    ],
)
def test_a_style_change_is_short(old: str, new: str, sequence: str) -> None:
    """A change sends the difference alone, or all of the style where that is shorter."""
    assert change(restyled(PLAIN, old), restyled(PLAIN, new)) == sequence


@pytest.mark.parametrize(
    "parameters",
    ["38;2;1;2", "38;5;x", "48;9;1", "999", "1000", ":3", "38", "48;5;1234"],
)
def test_unknown_styles_are_dropped(parameters: str) -> None:
    """Malformed and unknown parameters change nothing and never come out again."""
    assert restyled(PLAIN, parameters) == Style()


@pytest.mark.parametrize(
    ("here", "there", "sequence"),
    [
        (None, (0, 0), "\x1b[H"),
        (None, (4, 0), "\x1b[;5H"),
        (None, (0, 4), "\x1b[5H"),
        ((5, 5), (5, 5), ""),
        ((5, 5), (4, 6), "\n\b"),
        ((5, 5), (5, 4), "\x1bM"),
        ((70, 5), (0, 6), "\n\r"),
        ((70, 5), (1, 5), "\r\x1b[C"),
        ((3, 5), (9, 5), "\x1b[6C"),
        ((3, 5), (3, 2), "\x1b[3A"),
        ((30, 20), (0, 0), "\x1b[H"),
    ],
)
def test_the_cursor_takes_the_shortest_way(
    here: tuple[int, int] | None, there: tuple[int, int], sequence: str
) -> None:
    """A move is the shortest of absolute, relative and from the left edge."""
    assert move(here, there) == sequence


def painted(*frames: str, columns: int = 20, lines: int = 3) -> str:
    """Return what is sent for the last of the frames."""
    canvas, painter = Canvas(columns, lines), Painter()
    sent = ""
    for frame in frames:
        canvas.apply(frame)
        sent = painter.paint(canvas)
    return sent


@pytest.mark.parametrize(
    ("before", "after", "sent"),
    [
        ("\x1b[1;1Hpid 17s", "\x1b[1;1Hpid 17s", ""),
        ("\x1b[1;1Hpid 17s\x1b[1;1H", "\x1b[1;1Hpid 18s\x1b[1;1H", "\x1b[5C8\r"),
        # A short gap is written.
        (
            "\x1b[1;1Habcdefgh\x1b[1;1H",
            "\x1b[1;1HAbcdEfgh\x1b[1;1H",
            "AbcdE\r",
        ),
        # A long one jumped over.
        (
            "\x1b[1;1Habcdefgh\x1b[1;1H",
            "\x1b[1;1HAbcdefgH\x1b[1;1H",
            "A\x1b[6CH\r",
        ),
        (
            "\x1b[1;1Ha long query text\x1b[1;1H",
            "\x1b[1;1Hshort            \x1b[1;1H",
            "short\x1b[K\r",
        ),
    ],
)
def test_only_what_differs_is_sent(before: str, after: str, sent: str) -> None:
    """Changed cells and the moves between them are sent, and nothing else."""
    assert painted(before, after) == sent


def test_columns_are_painted_downwards() -> None:
    """Each changed digit but the first of its column takes three bytes: the digit, a line feed and
    a backspace.
    """
    before, after = (
        "".join(f"\x1b[{y};1H{age + y:>5}s{age + y:>8}s" for y in (1, 2, 3))
        + "\x1b[1;1H"
        for age in (40, 50)
    )
    assert painted(before, after) == "\x1b[3C5\n\b5\n\b5\x1b[;13H5\n\b5\n\b5\x1b[H"


@pytest.mark.parametrize("emoji", ["👨‍👩‍👧", "❤️", "🇩🇪", "👍🏽"])
def test_text_after_an_emoji_of_disputed_width_has_its_own_position(emoji: str) -> None:
    """Terminals do not agree how wide such an emoji is; the text after it is still where Textual
    put it.
    """
    assert f"{emoji}\x1b[;3Hx" in painted(f"\x1b[1;1H{emoji}x")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("123456789", "12345"),
        ("1234漢", "1234 "),
        ("123漢4", "123漢"),
        ("\x1b]8;id=1;http://x\x1b\\link\x1b]8;;\x1b\\", "link "),
        ("\x1b[2Jab", "[2Jab"),
        ("a\ud800", "a\ud800   "),
        pytest.param(
            "a" + "\u0301" * 500, "a" + "\u0301" * 15 + "    ", id="too many marks"
        ),
    ],
)
def test_text_is_cut_and_cleaned(text: str, shown: str) -> None:
    """The right edge cuts, a wide character never in half; links and control characters are
    dropped.
    """
    canvas = Canvas(5, 1)
    canvas.apply("\x1b[1;1H" + text)
    assert "".join(canvas.lines[0].cells) == shown


def test_text_below_the_screen_is_cut() -> None:
    """A newline goes to the beginning of the next line, and nothing scrolls."""
    canvas = Canvas(3, 2)
    canvas.apply("\x1b[1;2Ha\nbc\nd\x1b[9;9He")
    assert ["".join(line.cells) for line in canvas.lines] == [" a ", "bc "]


def test_a_smaller_canvas_cuts_wide_characters() -> None:
    """A resize keeps what fits, and blanks a wide character that is cut in half."""
    canvas = Canvas(6, 2)
    canvas.apply("\x1b[1;1Hab漢c\x1b[2;1H12345")
    canvas.resize(3, 3)
    assert ["".join(line.cells) for line in canvas.lines] == ["ab ", "123", "   "]


@pytest.mark.parametrize(
    ("text", "frame"),
    [
        ("\x1b[1;1Habc", True),
        ("\n\x1b[2;1Habc", True),
        ("\x1b[?1049h", False),
        ("\x1b]52;c;YWJj\x07", False),
        ("\x07", False),
        ("\x1b[?25l", False),
    ],
)
def test_a_frame_starts_with_a_position(text: str, frame: bool) -> None:
    """A text that starts with a cursor position is a frame."""
    assert is_frame(text) is frame
