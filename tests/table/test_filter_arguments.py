"""Filters on a command line and before a signal: no slip selects more than intended."""

import pytest

from pgtop.cli.args.filters import filter_for_protection
from pgtop.errors import UsageError
from pgtop.table.filter import Filter, FilterError


@pytest.mark.parametrize(
    ("arguments", "canonical"),
    [
        (["state:idle in transaction"], "state:idle-in-tx"),
        (["-state:idle in transaction"], "not state:idle-in-tx"),
        (["state:idle in transaction (aborted)"], "state:aborted"),
        (["state:active,idle in transaction"], "state:active,idle-in-tx"),
        (["state", "=", "idle in transaction"], "state=idle-in-tx"),
        (["app:my app"], 'app:"my app"'),
        (["app:my worker", "state:idle"], 'app:"my worker" state:idle'),
        (["not", "app:my worker"], 'not app:"my worker"'),
        (["app", "!=", "my worker"], 'not app="my worker"'),
        (["app = my app"], 'app="my app"'),
        (["app", "=", "my app"], 'app="my app"'),
        (["app:my app,psql"], 'app:"my app",psql'),
        (["query:drop table users"], 'query:"drop table users"'),
        (["query:~drop +table"], 'query~"drop +table"'),
        (["db:shop state:idle-in-tx age>10m"], "db:shop state:idle-in-tx age>10m"),
        (
            ["db:shop", "state:idle-in-tx", "age>10m"],
            "db:shop state:idle-in-tx age>10m",
        ),
        (["datname", "=", "'shop'"], "db=shop"),
        (["datname", "=", "shop", "state:idle"], "db=shop state:idle"),
        (["datname =", "shop"], "db=shop"),
        (["age", ">", "5m"], "age>5m"),
        (["not", "db:shop"], "not db:shop"),
        (["(db:shop", "or", "db:crm)", "state:idle"], "(db:shop or db:crm) state:idle"),
        (['"drop table"'], '"drop table"'),
        (["app:'my app'"], 'app:"my app"'),
        (["4711"], "pid:4711"),
        ([], ""),
    ],
)
def test_words_that_the_shell_has_grouped_stay_together(
    arguments: list[str], canonical: str
) -> None:
    """An argument is one term, with the blanks of its value, or several whole ones; a comparison
    may be three arguments.
    """
    chosen = Filter.of_arguments(arguments)
    assert chosen.canonical == canonical
    assert Filter(chosen.text) == chosen


@pytest.mark.parametrize(
    ("arguments", "position", "words"),
    [
        # quotes that the shell has removed
        (["state:idle", "in", "transaction"], 11, "write state:idle-in-tx"),
        (["app:my", "app"], 7, "`app` is a key"),
        (["app:my worker state:idle"], 7, "goes in quotes"),
        (["app:my worker or db:shop"], 7, "goes in quotes"),
        (["app:worker 2"], 11, "a pid is pid:2"),
        (["app:'my", "app'"], 4, "unclosed quote"),
        (["app:my , worker"], 7, "several values"),
        (["query:~a -b:c"], 12, "as in b:4711"),
        (["age>5", "m"], 6, "write 5m"),
        (["age>5 m"], 6, "write 5m"),
        (["query:select * from t"], 13, "`*` is no wildcard"),
        (["db:shop", "app:x y=z"], 14, 'unknown key "y"'),
        # words that may be two terms, if one term selects more
        (["not app:my worker"], 11, 'in quotes, as in not app:"my app"'),
        (["not db:shop idle"], 12, "in quotes"),
        (["db!=shop active"], 9, "in quotes"),
        (["query!~drop table"], 12, "in quotes"),
        (["!db:shop crm"], 9, "in quotes"),
        # variables that were empty
        ([""], 0, "an argument is empty"),
        (["db:shop", ""], 8, "an argument is empty"),
        (["app:"], 4, "a value is missing"),
        (["app:", "state:idle"], 4, "a value is missing"),
        (["app:", "web"], 4, "a value is missing"),
        (["app=", "web"], 4, "a value is missing"),
        (["user:="], 6, "a value is missing"),
        (["user:web,"], 9, "a value is missing"),
        (["app:''"], 4, "a value is missing"),
        (["app: state:idle"], 4, "a value is missing"),
        (["datname", "=", "state:idle"], 15, "cannot stand in a value"),
        (["datname", "="], 9, "a value is missing"),
        (["datname", "=", "and", "state:idle"], 10, "`and`"),
        (["app:my "], 6, "a word may be missing"),
        (["app:my  worker"], 6, "a word may be missing"),
        (["db:shop  state:idle"], 7, "a word may be missing"),
        ([" db:shop"], 0, "a word may be missing"),
        (["not", "(", ")"], 6, "a term is missing"),
        (["db:shop", "or"], 10, "a term is missing"),
        (["age>m"], 4, "is not a duration"),
        (["client:/8"], 7, "is no address"),
    ],
)
def test_arguments_that_a_shell_has_split_or_emptied_are_refused(
    arguments: list[str], position: int, words: str
) -> None:
    """An error's position counts characters of the arguments joined by blanks."""
    with pytest.raises(FilterError) as caught:
        Filter.of_arguments(arguments)
    assert (caught.value.position, words in caught.value.message) == (position, True), (
        caught.value
    )


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("db:shop state:idle", "db:shop state:idle"),
        ("shop invoice", '"shop" "invoice"'),
        ("invoice db:shop", '"invoice" db:shop'),
        ("state:idle in transaction", "state:idle-in-tx"),
        ("app:my app", 'app:"my app"'),
        ('app:"my app" tool', 'app:"my app" "tool"'),
    ],
)
def test_an_option_means_the_same_as_on_screen(text: str, canonical: str) -> None:
    """A text that is unreadable on screen may be one value with blanks."""
    assert Filter.of_option(text).canonical == canonical


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("app:my tool", 7),
        ("db:shop invoice", 8),
        ("app:my app state:idle", 7),
        ("db:shop 4711", 8),
    ],
)
def test_an_option_that_the_screen_would_read_otherwise_is_refused(
    text: str, position: int
) -> None:
    """`--protect 'app:my tool'` would protect fewer sessions than it seems to, or others."""
    with pytest.raises(FilterError) as caught:
        Filter.of_option(text)
    assert caught.value.position == position
    assert "in quotes" in caught.value.message


@pytest.mark.parametrize(
    ("text", "position", "words"),
    [
        ("", 0, "--all-clients"),
        ("invoice", 0, 'write "invoice" in quotes'),
        ("db:shop invoice", 8, "in quotes"),
        ("drop table", 0, "in quotes"),
        ("app:my -worker", 8, "in quotes"),
        ("app:my (worker)", 8, "in quotes"),
        ("db:shop or not invoice", 15, "in quotes"),
        ("~web", 0, "in quotes"),
        ("app:~^", 0, "matches the empty text"),
        ("db:shop app:~^$", 8, "matches the empty text"),
        ("app:~.*", 0, "matches the empty text"),
        ("-app:~x?", 1, "matches the empty text"),
        ("app:~web|", 0, "matches the empty text"),
        ('~"(?!x)"', 0, "matches the empty text"),
        ('app:=""', 0, "write not app~."),
        (r"app~\b\b", 0, "matches between characters"),
        ("app~^.", 0, "write app~. if that is intended"),
        ("app~.+", 0, "matches any text that is not empty"),
        ("app!~web|.$", 0, "matches any text that is not empty"),
        ("~'.+'", 0, "write ~. if that is intended"),
        (r"not app~web|\b\b", 4, "matches between characters"),
        ('query~"(?<=a)"', 0, "matches between characters"),
        ("age>5", 0, "write 5s, or 5m for minutes"),
        ("db:shop not idle<=90", 12, "write 90s"),
        ('not (db:shop or user="")', 16, "write not user~."),
    ],
)
def test_a_possible_slip_decides_about_no_signal(
    text: str, position: int, words: str
) -> None:
    """A lone word, a pattern that matches everything and an empty value may narrow a view, but not
    select targets.
    """
    chosen = Filter(text)
    with pytest.raises(FilterError) as caught:
        chosen.check_for_signals()
    assert caught.value.position == position
    assert words in caught.value.message


@pytest.mark.parametrize(
    "text", ["app!~^", "not app~^$", r"app!~\b\b", "user:web or not app~.*"]
)
def test_a_pattern_that_lost_its_variable_is_refused_as_protection(text: str) -> None:
    """`--protect "app!~^$APP"` with an empty variable would protect nothing."""
    Filter(text)
    with pytest.raises(UsageError, match=r"--protect is wrong .*: the pattern matches"):
        filter_for_protection(text, "--protect")
    assert (
        filter_for_protection('app!~^web user!=""', "--protect").canonical
        == 'not app~"^web" not user=""'
    )


@pytest.mark.parametrize(
    "text",
    [
        "age>0",
        "age>=1h",
        "app~.",
        "query~^.{200,}",
        r"app~\w\d",
        "query~(?=.*a)(?=.*b)",
        '"invoice"',
        '~"inv"',
        "app:~^web",
        "4711",
        "not app~.",
        "db:shop or user=web",
    ],
)
def test_keys_and_quotes_may_decide_about_a_signal(text: str) -> None:
    """A word in quotes is text, and a key names its column."""
    Filter(text).check_for_signals()
