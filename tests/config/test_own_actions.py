"""Programs of the user's own: what is refused in the file, and what becomes of placeholders."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgtop.config.own_actions import OwnAction, arguments, check_action
from pgtop.config.tables import ACTIONS, TABLES
from pgtop.config.values import from_file


def _read(key: str, value: object) -> object:
    fields = {field.name: field for field in TABLES[ACTIONS].fields}
    return from_file(fields[key], value)


@pytest.mark.parametrize(
    ("run", "words"),
    [
        ([], "a program"),
        ([""], "a program"),
        (["{application}"], "must begin with a program"),
        (["sh", "-c", "echo {application}"], "write a script"),
        (["/bin/bash", "script", "{pid}"], "write a script"),
        (["env", "bash", "-c", "echo {application}"], "placeholders to bash"),
        (["psql", "-c", "SELECT '{application}'"], "placeholders to -c"),
        (["psql", "--command=SELECT '{user}'"], "placeholders to --command"),
        (["perl", "-eprint '{user}'"], "write a script"),
        (["kill", "{pid}"], "without a question"),
        (["sudo", "/bin/kill", "-9", "{pid}"], "without a question"),
        (["pgtop", "cancel", "{pid}"], "without a question"),
        (["psql", "-c", "SELECT PG_Terminate_Backend({pid})"], "without a question"),
        (["psql", "-Atc", "SELECT '{application}'"], "placeholders to -Atc"),
        (["psql", "-AtcSELECT '{application}'"], "write a script"),
        (["psql", "--com=SELECT '{user}'"], "placeholders to --com"),
        (["perl", "-lne", "print '{user}'"], "placeholders to -lne"),
        (["python3", "-Ic", "print('{user}')"], "placeholders to -Ic"),
        (["mysql", "-BNe", "SELECT '{user}'"], "placeholders to -BNe"),
        (["env", "-S", "bash -c 'echo {application}'"], "placeholders to -S"),
        (["ssh", "db1", "whois {application}"], "placeholders to ssh"),
        (["awk", 'BEGIN { print "{application}" }'], "placeholders to awk"),
        (["tmux", "new-window", "show {user}"], "placeholders to tmux"),
        (["perl", "-e", "kill 15, {pid}"], "without a question"),
        (["python3", "-c", "import os; os.kill({pid}, 15)"], "without a question"),
        (["bash", "-c", "pgtop @prod cancel 5"], "without a question"),
        (["sudo", "-s", "pkill postgres"], "without a question"),
        ("whois {client}", "list of texts"),
    ],
)
def test_a_wrong_program_is_refused(run: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        _read("run", run)
    with pytest.raises(ValueError, match="one character"):
        _read("key", "F99")


@pytest.mark.parametrize(
    "run",
    [
        ["psql", "-c", "SELECT * FROM locks WHERE pid = {pid}"],
        ["pgtop", "show", "--filter", "pid:{pid}"],
        ["notify", "--name={application}", "{user}"],
        ["find", "/logs", "-name", "{application}"],
        ["tool", "-state", "{state}", "-file={application}"],
        ["ssh", "{host}", "top -b -n1 -p {pid}"],
        ["timeout", "--kill-after=5", "9", "gstack", "{pid}"],
        ["pgtop", "show", "--filter", "app:cancel-service"],
    ],
)
def test_a_program_that_runs_no_name_is_right(run: list[str]) -> None:
    assert _read("run", run) == tuple(run)


@pytest.mark.parametrize(
    ("action", "words"),
    [
        (OwnAction("x", ("p", "{role}")), r"\{role\}, but an action on a session has"),
        (OwnAction("x", ("p", "{pid}"), on="group"), r"\{kind\}, \{name\}"),
        (OwnAction("x", ("p", "{query}")), "needs texts = true"),
    ],
)
def test_a_wrong_placeholder_is_refused(action: OwnAction, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        check_action(action)
    check_action(OwnAction("x", ("p", "{query}", "{pid}"), texts=True))


@given(st.text(min_size=1))
def test_a_value_is_one_inert_argument(value: str) -> None:
    """No name that a client chooses is an option, a control character or another placeholder."""
    action = OwnAction("x", ("p", "--name={application}", "end"))
    program, name, end = arguments(action, {"application": value, "pid": "4711"})
    assert (program, end) == ("p", "end")
    assert name.startswith("--name=")
    assert name.isprintable()
    if "{pid}" in value:
        assert "{pid}" in name


@pytest.mark.parametrize(
    ("value", "words"),
    [("-rf", "could be an option"), ("", "not known"), (None, "not known")],
)
def test_a_doubtful_value_starts_nothing(value: str | None, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        arguments(OwnAction("x", ("rm", "{application}")), {"application": value})
