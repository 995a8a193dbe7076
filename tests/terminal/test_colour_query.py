"""The terminal's answer to which colours it has."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgtop.terminal import colour_query
from pgtop.terminal.colour_query import ColourQuery, ColourReport, report_of
from pgtop.terminal.sequences import Scanner, Token, TokenKind
from pgtop.text.colour import RGB

BLACK = RGB(0, 0, 0)
WHITE = RGB(255, 255, 255)
BACKGROUND = ColourReport(is_background=True, colour=BLACK)
TEXT = ColourReport(is_background=False, colour=WHITE)


@pytest.mark.parametrize(
    ("command", "report"),
    [
        ("11;rgb:0000/0000/0000", BACKGROUND),
        ("10;rgb:ff/ff/ff", TEXT),
        ("11;rgb:f/0/8", ColourReport(True, RGB(255, 0, 136))),
        ("11;rgba:0000/2b2b/3636/ffff", ColourReport(True, RGB(0, 43, 54))),
        ("11;?", None),
        ("12;rgb:0000/0000/0000", None),
        ("11;rgb:0000/0000", None),
        ("11;rgb:00000/0/0", None),
        ("11;rgb:\u0661/0/0", None),
    ],
)
def test_a_report_names_a_colour(command: str, report: ColourReport | None) -> None:
    assert report_of(command) == report


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    time = [1000.0]
    monkeypatch.setattr(colour_query, "monotonic", lambda: time[0])
    return time


def test_an_answer_counts_once(now: list[float]) -> None:
    query = ColourQuery()
    query.request()
    query.close_soon()
    assert query.take(TEXT) is None
    assert query.take(BACKGROUND) == (BLACK, WHITE)
    assert query.take(ColourReport(True, WHITE)) is None


def test_an_answer_counts_without_the_colour_of_the_text(now: list[float]) -> None:
    query = ColourQuery()
    query.request()
    query.close_soon()
    assert query.take(BACKGROUND) == (BLACK, None)


def test_an_answer_without_a_question_does_not_count(now: list[float]) -> None:
    query = ColourQuery()
    assert query.take(BACKGROUND) is None


def test_an_answer_on_a_slow_line_counts(now: list[float]) -> None:
    """The answers to later questions are as slow."""
    query = ColourQuery()
    query.request()
    now[0] += 5.0
    query.close_soon()
    assert query.take(BACKGROUND) == (BLACK, None)


def test_a_late_answer_does_not_count(now: list[float]) -> None:
    query = ColourQuery()
    query.request()
    query.close_soon()
    now[0] += 0.11
    assert query.take(BACKGROUND) is None


@given(st.lists(st.integers(1, 30), max_size=8))
def test_the_answer_is_whole_however_the_line_splits_it(cuts: list[int]) -> None:
    answer = "q\x1b]10;rgb:ffff/ffff/ffff\x07\x1b]11;rgb:0000/0000/0000\x1b\\K"
    scanner = Scanner()
    tokens: list[Token] = []
    for cut in cuts:
        tokens += scanner.feed(answer[:cut])
        answer = answer[cut:]
    tokens += scanner.feed(answer)
    commands = [token.text for token in tokens if token.kind is TokenKind.COMMAND]
    others = [token.text for token in tokens if token.kind is not TokenKind.COMMAND]
    assert [report_of(command) for command in commands] == [TEXT, BACKGROUND]
    assert others == ["q", "K"]


@pytest.mark.parametrize("end", ["\x1b\\", "\x07", "\x18", "\x1b[A", "\r"])
def test_a_long_command_is_dropped(end: str) -> None:
    """The scanner keeps no more of a hostile string than of a sequence."""
    scanner = Scanner()
    tokens = list(scanner.feed("\x1b]11;rgb:" + "0" * 100_000))
    assert len(scanner._string) < 100
    tokens += scanner.feed("0" * 100_000 + end)
    assert TokenKind.COMMAND not in {token.kind for token in tokens}


def test_a_cancelled_command_is_dropped() -> None:
    scanner = Scanner()
    assert list(scanner.feed("\x1b]11;rgb:0000/0000/0000\x18")) == []
