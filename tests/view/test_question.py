"""The texts of dialogs before they are drawn: fields, what fits, and the keys below."""

import pytest

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.model.signal import Signal
from pgtop.signalling.planning import plan_for_one
from pgtop.text.tone import Span, Tone
from pgtop.text.wrap import Line, line
from pgtop.view.answers import Answer, answer_line
from pgtop.view.confirmation import propose
from pgtop.view.fields import QuestionText, field, field_lines
from pgtop.view.plan_fields import paired_lines
from tests.scenes import active, busy


def _texts(lines: list[Line]) -> list[str]:
    return ["".join(span.text for span in row) for row in lines]


def _numbered(count: int) -> list[Line]:
    return [line(str(number)) for number in range(count)]


@pytest.mark.parametrize(
    ("width", "lines"),
    [
        (60, ["State       idle", "Rolls back  its transaction"]),
        (20, ["State idle", "Rolls back its", "transaction"]),
    ],
)
def test_labels_have_a_column_where_there_is_room(width: int, lines: list[str]) -> None:
    """A narrow screen puts each value right behind its label."""
    fields = [field("State", "idle"), field("Rolls back", "its transaction")]
    assert _texts(field_lines(fields, width)) == lines


@pytest.mark.parametrize(
    ("width", "lines"),
    [
        (80, ["Rolls back  nothing                     Frees       2 waiters"]),
        (60, ["Rolls back  nothing", "Frees       2 waiters"]),
        (40, ["Rolls back nothing  Frees 2 waiters"]),
    ],
)
def test_short_fields_share_a_line(width: int, lines: list[str]) -> None:
    """Wide lines have two halves; on narrow ones short fields follow one another."""
    fields = [field("Rolls back", "nothing"), field("Frees", "2 waiters")]
    assert _texts(paired_lines(fields, width)) == lines


def test_what_must_be_read_scrolls_below_the_subject() -> None:
    """Extra lines give way first; then the fields scroll, and count as read up to the last line in
    sight.
    """
    text = QuestionText([line("subject")], _numbered(4), _numbered(2))
    assert text.fit(9, 0).read_to == 4
    assert _texts(text.fit(6, 0).lines) == ["subject", "0", "1", "2", "3", "0"]
    first = text.fit(4, 0)
    assert _texts(first.lines) == ["subject", "0", "1", "2 more below (PgDn)"]
    assert (first.read_to, first.is_scrolled) == (2, True)
    last = text.fit(4, 9)
    assert _texts(last.lines) == ["subject", "2", "3", "the end"]
    assert last.read_to == 4


def test_fields_without_a_line_cannot_be_read() -> None:
    """A screen that shows no more than the subject lets nothing count as read."""
    text = QuestionText(_numbered(3), _numbered(2))
    assert [text.fit(room, 0).read_to for room in (1, 3, 4)] == [0, 0, 0]


def test_a_footer_shows_whole_keys_only() -> None:
    """Keys without room are left out, and none is cut."""
    answers = [Answer("y", "terminate", "confirm"), Answer("Esc", "back", "clear")]
    whole = "y terminate  Esc back"
    assert _texts([answer_line(answers, len(whole)).line]) == [whole]
    narrow = answer_line(answers, len(whole) - 1)
    assert _texts([narrow.line]) == ["y terminate"]
    assert [(place.start, place.end) for place in narrow.places] == [(0, 11)]


def test_the_question_names_the_server_by_its_label() -> None:
    """The user's word for the server is a plate before the address."""
    scene = busy()
    plan = plan_for_one(Signal.TERMINATE, scene.backends[0], scene)
    label = Span(" PROD ", Tone.LABEL)
    proposal = propose(plan, DerivedSnapshot.of(scene), (label,))
    for subject in (proposal.subject, proposal.short_subject):
        index = subject.index(label)
        assert subject[index - 1].text.endswith("on ")
        assert scene.server.host in subject[index + 1].text


def test_a_comment_before_a_statement_is_quiet() -> None:
    scene = busy()
    session = active(4711, "anna@shop", "psql", "-- monthly\nSELECT 1", 1.0)
    proposal = propose(
        plan_for_one(Signal.CANCEL, session, scene), DerivedSnapshot.of(scene)
    )
    [query] = [each.value for each in proposal.extra if each.label == "Query"]
    assert query == (
        Span("-- monthly ", Tone.QUIET),
        Span("SELECT 1", Tone.PLAIN),
    )
