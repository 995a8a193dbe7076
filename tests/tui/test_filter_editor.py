"""Editing a filter: Tab goes round the candidates, and the arrows bring back earlier filters."""

from pgtop.table.language.completion import Completion
from pgtop.table.language.errors import Fix
from pgtop.tui.filter_editor import FilterEditor

_EARLIER = ["db:shop", "user:web", "age>5m"]


def editor(*candidates: str, fix: Fix | None = None) -> FilterEditor:
    def complete(text: str) -> Completion:
        start = text.rfind(":") + 1
        return Completion(start, len(text), candidates)

    return FilterEditor(complete, lambda: fix, lambda: _EARLIER)


def test_tab_cycles_through_the_candidates() -> None:
    """Each Tab writes the next candidate, after the last the first again; Shift-Tab goes back."""
    line = editor("shop", "sales", "stock")
    line.value = "db:s"
    assert line.candidates() == ("shop", "sales", "stock")
    texts = []
    for _ in range(4):
        line.action_complete()
        texts.append(line.value)
    assert texts == ["db:shop", "db:sales", "db:stock", "db:shop"]
    assert line.candidates() == ("sales", "stock")
    line.action_complete_back()
    assert line.value == "db:stock"


def test_typing_ends_the_cycle() -> None:
    line = editor("shop", "sales")
    line.value = "db:s"
    line.action_complete()
    line.insert_text_at_cursor(",crm:")
    line.action_complete()
    assert line.value == "db:shop,crm:shop"


def test_tab_completes_at_the_cursor() -> None:
    """The text behind the cursor stays."""
    line = editor("shop")
    line.value = "db:s age>5m"
    line.cursor = 4
    line.action_complete()
    assert line.value == "db:shop age>5m"
    assert line.before_cursor == "db:shop"


def test_tab_corrects_a_misspelt_key_first() -> None:
    line = editor("shop", fix=Fix('unknown key "dbs"', 0, 3, "db"))
    line.value = "dbs:s"
    line.action_complete()
    assert line.value == "db:s"


def test_tab_without_candidates_changes_nothing() -> None:
    line = editor()
    line.value = "invoice"
    line.action_complete()
    line.action_complete_back()
    assert line.value == "invoice"


def test_the_arrows_bring_back_earlier_filters() -> None:
    """Up goes back as far as there are any, Down comes back to what was typed."""
    line = editor()
    line.value = "db:s"
    texts = []
    for _ in range(4):
        line.action_earlier()
        texts.append(line.value)
    assert texts == ["db:shop", "user:web", "age>5m", "age>5m"]
    for _ in range(4):
        line.action_later()
        texts.append(line.value)
    assert texts[4:] == ["user:web", "db:shop", "db:s", "db:s"]


def test_a_changed_earlier_filter_is_a_draft_of_its_own() -> None:
    line = editor()
    line.action_earlier()
    line.insert_text_at_cursor(" age>1h")
    line.action_earlier()
    assert line.value == "db:shop"
    line.action_later()
    assert line.value == "db:shop age>1h"


def test_the_keys_of_readline() -> None:
    line = editor()
    line.value = "db:shop state:idle"
    line.action_delete_left_word()
    assert line.value == "db:shop "
    line.action_home()
    line.action_cursor_right()
    line.action_delete_right()
    assert line.value == "d:shop "
    line.action_delete_left()
    assert line.value == ":shop "
    line.action_delete_right_all()
    assert line.value == ""
    line.value = "age>5m"
    line.action_cursor_left()
    line.action_delete_left_all()
    assert (line.value, line.cursor) == ("m", 0)
