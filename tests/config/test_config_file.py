"""Configuration files as a whole: what is right, what is wrong and where, and what is made from
the declarations.
"""

import json
import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError

from pgtop.cli.configuration import (
    dashboard_for,
    guards_for,
    problems_of,
    redacts,
)
from pgtop.cli.reference import FACTS
from pgtop.config import toml_file
from pgtop.config.json_schema import json_schema
from pgtop.config.load import Configuration, load
from pgtop.config.settings import Safety, Settings
from pgtop.config.tables import DISPLAY, TABLES, TOP, help_of, plain_fields, variable_of
from pgtop.config.toml_text import template, toml_value
from pgtop.config.variables import environment_layer
from pgtop.errors import UsageError
from pgtop.help import topics
from pgtop.help.markdown import CodeBlock, parse

Write = Callable[[str], dict[str, str]]

_VALIDATOR = Draft202012Validator(json_schema())


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Return a function that writes a user's file, and returns the environment that names it."""
    monkeypatch.setattr(toml_file, "SYSTEM_PATH", tmp_path / "etc.toml")

    def written(text: str) -> dict[str, str]:
        (tmp_path / "config.toml").write_text(text)
        return {"PGTOP_CONFIG": str(tmp_path / "config.toml")}

    return written


def _read(environ: Mapping[str, str]) -> Configuration:
    return load(lambda _what, _advice: None, environ)


@pytest.mark.parametrize(
    ("text", "line", "words", "nearest"),
    [
        ("\nred_only = true", 2, "no setting 'red_only'", "read_only"),
        ("[display]\n\nthem = 'dark'", 3, "no setting 'them' in [display]", "theme"),
        ("[display]\ntheme = 'drak'", 2, "there is no theme 'drak'", "dark"),
        ("[display]\ninterval = 0.1", 2, "must be a number of seconds from 0.2", ""),
        ("[display]\ninterval = 9e999", 2, "must be a number of seconds", ""),
        pytest.param(
            f"[display]\nwarn = {'9' * 400}", 2, "must be a percentage", "", id="long"
        ),
        ("[display]\nwarn = true", 2, "must be a percentage", ""),
        (
            "[display]\nred_only = true",
            2,
            "no setting 'red_only'",
            "read_only? It belongs at the top",
        ),
        ("theme = 'dark'", 1, "no setting 'theme'", "theme? It belongs in [display]"),
        (
            "[views.a]\ncolumns = ['usr']",
            2,
            "there is no column 'usr'",
            "Did you mean user?",
        ),
        (
            "[views.a]\nsort = 'agee'",
            2,
            "there is no column 'agee'",
            "Did you mean age?",
        ),
        ("[dispaly]", 1, "no setting 'dispaly'", "display"),
        ("display = 3", 1, "must be a table", ""),
        ("read_only = true\nx = = 1", 2, "cannot be read", ""),
        ("[servers.a]\nlabel = 'x'", 1, "needs a service or a uri", ""),
        ("[servers.a]\nservice = 'a'\nlabel = ''", 3, "must have 1 to 20", ""),
        ("[servers.a]\nservice = 'a'\nlabel = '\u202ex'", 3, "no control", ""),
        ("[servers.a]\nservice = 'a'\nclor = 'x'", 3, "no setting 'clor'", "color"),
        ("[servers.a]\nservice = 'a'\ncolor = 'red'", 3, "one of magenta", ""),
        ("[servers.a]\nservice = 'a'\ncolor = 'gray'", 3, "one of magenta", "grey"),
        ("[servers.'a b']\nservice = 'a'", 1, "up to 40 letters", ""),
        ("\n[themes.a]\nwran = 'red'", 3, "there is no tone 'wran'", "warn"),
        ("[themes.a]\nbase = 'dark'\n\nwarn = 'yelow'", 4, "warn is", "yellow?"),
        ("[servers.a.display]\nwran = 1", 2, "no setting 'wran'", "warn"),
        ("READ_ONLY = true", 1, "no setting 'READ_ONLY'", "Did you mean read_only?"),
        ("[display]\nwarn = 90\nalarm = 80", 2, "warn 90 is above alarm 80", ""),
        ("[display]\nalarm = 70", 2, "warn 80 is above alarm 70", ""),
        (
            "[servers.a]\nservice = 'a'\n[servers.a.display]\nwarn = 99",
            3,
            "warn 99 is above alarm 95",
            "",
        ),
        ("[views.Locks]\nsort = 'age'", 1, "[views.Locks] has the name of a", ""),
        (
            "[views.a]\n[views.A]",
            2,
            "[views.A] has the name of [views.a]",
            "",
        ),
        (
            "[views.a]\nview = 'statements'\nsort = 'cals'",
            3,
            "there is no column 'cals'",
            "calls",
        ),
        (
            "[views.a]\nview = 'locks'\ncolumns = ['pid']",
            3,
            "columns are for a view of the sessions only",
            "Leave them out.",
        ),
        ("[actions.a]\nrun = ['x']\nkey = 'Ctrl-M'", 3, "key cannot be Ctrl-M", ""),
        ("[display]\ntheme", 2, "cannot be read: expected", ""),
        ("\ufeffread_only = true", 1, "byte order mark", ""),
        (
            "[actions.a]\nkey = 'Z'\nrun = ['x', '{usr}']",
            3,
            "run has {usr}",
            "Did you mean user?",
        ),
        (
            "[actions.a]\nrun = ['x']\nkey = 'k'",
            3,
            "key cannot be k",
            "another key",
        ),
    ],
)
def test_a_wrong_file_is_named_with_line_and_nearest_word(
    write: Write, text: str, line: int, words: str, nearest: str
) -> None:
    problem, *_ = _read(write(text)).problems
    assert re.search(rf"config\.toml:{line}\b", problem.place)
    assert words in problem.what
    assert nearest in problem.what + problem.advice


@pytest.mark.parametrize(
    "uri",
    [
        "postgresql://dba:s3cret@db1/shop",
        "postgresql://db1/shop?password=s3cret",
        "postgresql://db1/shop?%70assword=s3cret",
        "postgresql://db1/shop?sslpassword=s3cret",
        "host=db1 password=s3cret",
    ],
)
def test_a_password_in_a_file_is_refused_and_not_quoted(write: Write, uri: str) -> None:
    problems = _read(write(f"[servers.prod]\nuri = {uri!r}")).problems
    sentences = " ".join(problem.sentence + problem.advice for problem in problems)
    assert "~/.pgpass" in sentences
    assert "s3cret" not in sentences


def test_files_and_variables_are_layers(write: Write, tmp_path: Path) -> None:
    """The machine's file lies below the user's, and that below the environment."""
    (tmp_path / "etc.toml").write_text(
        "protect = ['user:a']\nread_only = true\n[display]\ntheme = 'dark'\nwarn = 10"
    )
    environ = write("read_only = false\nprotect = ['user:b']\n[display]\nwarn = 20")
    environ |= {
        "PGTOP_ALARM": "30",
        "PGTOP_PROTECT": "user:c\nuser:d",
        "PGTOP_COLOR": "no",
    }
    settings = dashboard_for(Settings(), Safety(), environ=environ).settings
    assert (settings.theme, settings.warn, settings.alarm) == ("dark", 20, 30)
    assert not settings.color
    guards = guards_for(Safety(protect=("user:e",)), environ)
    texts = [each.text for each in guards.protect]
    assert texts == ["user:e", "user:c", "user:d", "user:b", "user:a"]
    assert guards.read_only.endswith("etc.toml:2")


def test_the_command_line_is_the_last_layer(write: Write) -> None:
    """An option counts even if it says what the default says."""
    environ = write("[display]\ninterval = 5\ntheme = 'dark'")
    options = Settings(interval=1.0, chosen=frozenset({"interval"}))
    settings = dashboard_for(options, Safety(), environ=environ).settings
    assert (settings.interval, settings.theme) == (1.0, "dark")


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("PGTOP_READ_ONLY", "maybe"),
        ("PGTOP_READ_ONLY", ""),
        ("PGTOP_READONLY", "1"),
        ("PGTOP_PROTECT", " "),
        ("PGTOP_PROTECT", "foer:x"),
        ("PGTOP_INTERVAL", "soon"),
        ("PGTOP_WARN", "96"),
    ],
)
def test_a_wrong_variable_stops_signals_only(
    write: Write, variable: str, text: str
) -> None:
    """The dashboard opens read-only, with a sentence that names the value."""
    environ = write("") | {variable: text}
    dashboard = dashboard_for(Settings(), Safety(), environ=environ)
    assert dashboard.guards.read_only
    word = variable.removeprefix("PGTOP_").lower()
    assert re.search(f"{variable}|{word}", dashboard.settings.complaint)
    with pytest.raises(UsageError):
        guards_for(Safety(), environ)


@pytest.mark.parametrize(
    "text",
    [
        "[filters]\nleak = 'stat:idle'",
        "[views.a]\nfilter = 'stat:idle'",
        "[views.a]\nview = 'statements'\nfilter = 'cals>5'",
        "[servers.a]\nservice = 'a'\nprotect = ['usr:x']",
        "protect = ['query:x']\nredact = true",
        "[display]\nwarn = 96",
    ],
)
def test_every_mistake_in_a_file_stops_signals(write: Write, text: str) -> None:
    """A command that signals refuses each mistake that `pgtop config check` reports."""
    environ = write(text)
    (problem,) = problems_of(_read(environ))
    assert re.search(r"config\.toml:\d+$", problem.place)
    with pytest.raises(UsageError, match=re.escape(problem.sentence)):
        guards_for(Safety(), environ)
    assert dashboard_for(Settings(), Safety(), environ=environ).guards.read_only


def test_an_empty_variable_sets_nothing(write: Write) -> None:
    environ = write("") | {"PGTOP_THEME": "", "PGTOP_UNKNOWN": "x"}
    assert _read(environ).problems == ()


@pytest.mark.parametrize(
    ("text", "masks"),
    [("redact = true\n[display]\nx = 1", True), ("[display]\nx = 1", False)],
)
def test_output_goes_on_with_a_wrong_display(
    write: Write, text: str, masks: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    assert redacts(False, write(text)) is masks
    assert "no setting 'x'" in capsys.readouterr().err
    assert (
        dashboard_for(Settings(), Safety(), environ=write(text)).guards.redact is masks
    )


@pytest.mark.parametrize("text", ["redcat = true", "= x", "redact = 'yes'"])
def test_a_lost_redaction_stops_output_and_masks_the_dashboard(
    write: Write, text: str
) -> None:
    environ = write(text)
    with pytest.raises(UsageError):
        redacts(False, environ)
    assert dashboard_for(Settings(), Safety(), environ=environ).guards.redact


@pytest.mark.parametrize(
    "text",
    [
        "redact = true\nprotect = ['bogus>>5']",
        "redact = true\nprotect = ['query:foo']",
        "[display]\nredact = true",
        "[servers.a]\nuri = 'postgresql://h/'\nredact = true",
    ],
)
def test_no_other_mistake_takes_the_mask_off(write: Write, text: str) -> None:
    """A wrong filter once dropped the guards of all files, and with them the mask."""
    guards = dashboard_for(Settings(), Safety(), environ=write(text)).guards
    assert guards.redact
    assert guards.read_only


def test_a_preset_takes_no_key_of_a_program(write: Write) -> None:
    environ = write("[actions.a]\nkey = 'Z'\nrun = ['true']")
    dashboard_for(Settings(), Safety(), environ=environ)
    with pytest.raises(
        UsageError, match=r"key Z stands for pause and for \[actions.a\]"
    ):
        dashboard_for(Settings(preset="htop"), Safety(), environ=environ)


# The file that `init` writes, the schema and the examples.


def test_a_new_file_is_right_and_changes_nothing(write: Write) -> None:
    read = _read(write(template()))
    assert read.problems == ()
    assert not any(layer.values for layer in read.layers)


def test_every_line_of_a_new_file_may_be_taken(write: Write) -> None:
    """With all keys and examples uncommented the file is right, and has the defaults."""
    text = re.sub(r"(?m)^#(?=[\w\[])", "", template())
    environ = write(text)
    read = _read(environ)
    assert read.problems == ()
    values = {
        name: each for layer in read.layers for name, each in layer.values.items()
    }
    fields = {
        field.name: field for table in (TOP, DISPLAY) for field in plain_fields(table)
    }
    assert values.keys() == fields.keys()
    for name, field in fields.items():
        assert values[name].value == (field.default or type(values[name].value)())
    _VALIDATOR.validate(tomllib.loads(text))


def _examples() -> list[str]:
    blocks = parse(topics.source("config"))
    code = [block for block in blocks if isinstance(block, CodeBlock)]
    texts = ["\n".join(block.lines) for block in code]
    return [text for text in texts if "=" in text and "pgtop " not in text]


@pytest.mark.parametrize("text", _examples())
def test_every_example_of_the_help_is_right(write: Write, text: str) -> None:
    assert _read(write(text)).problems == ()
    _VALIDATOR.validate(tomllib.loads(text))


def test_the_schema_refuses_what_the_program_refuses() -> None:
    Draft202012Validator.check_schema(json_schema())
    for text in ("x = 1", "[display]\nbackground = 'x'", "[servers.a]\nservice = 1"):
        with pytest.raises(ValidationError):
            _VALIDATOR.validate(tomllib.loads(text))


_TEXTS = {
    "read_only": ("yes", True),
    "protect": ("user:a\nuser:b", ("user:a", "user:b")),
    "require_audit": ("1", True),
    "redact": ("on", True),
    "interval": ("2.5", 2.5),
    "history": ("5m", 300.0),
    "color": ("off", False),
    "theme": ("light", "light"),
    "background": ("dark", "dark"),
    "warn": ("60", 60.0),
    "alarm": ("90", 90.0),
    "long_statement": ("7s", 7.0),
    "long_transaction": ("8", 8.0),
    "long_idle_in_transaction": ("1h30m", 5400.0),
    "cpus": ("8", 8.0),
    "host_figures": ("off", "off"),
    "clock": ("local", "local"),
    "resolve_names": ("true", True),
    "explain_as": ("weak", "weak"),
    "mouse": ("no", False),
    "strip_comments": ("0", False),
    "ages_apart": ("yes", True),
    "ascii": ("yes", True),
    "view": ("locks", "locks"),
    "log_file": ("/x", "/x"),
    "log": ("texts", "texts"),
    "preset": ("vim", "vim"),
}
"""A text for the variable of each value, and the value that it sets."""


def test_each_value_has_a_variable_that_sets_it() -> None:
    """The help, the schema and the file that `init` writes have all of them, too."""
    fields = {field.name: field for field in plain_fields()}
    assert fields.keys() == _TEXTS.keys()
    environ = {variable_of(fields[name]): text for name, (text, _) in _TEXTS.items()}
    layer, problems = environment_layer(environ)
    assert not problems
    values = {name: value.value for name, value in layer.values.items()}
    assert values == {name: value for name, (_, value) in _TEXTS.items()}
    assert all(value.origin.place in environ for value in layer.values.values())
    schema = json_schema()["properties"]
    page = topics.text("config", FACTS)
    for field in fields.values():
        assert field.setting
        table = field.setting.section
        properties = schema[table]["properties"] if table else schema
        assert field.name in properties
        assert f"`{field.name}`" in page
        assert variable_of(field) in template()
        assert help_of(field)


def test_a_preset_of_the_environment_changes_keys(write: Write) -> None:
    """The preset has the place of the variable; a wrong one is a mistake with the nearest word."""
    environ = write("[keys]\npreset = 'htop'") | {"PGTOP_PRESET": "vim"}
    settings = dashboard_for(Settings(), Safety(), environ=environ).settings
    assert settings.keymap.action("tag").keys == ("v", "space")
    preset = _read(environ).own_values("keys")["preset"]
    assert preset.origin.place == "PGTOP_PRESET"
    (problem,) = _read({"PGTOP_PRESET": "vmi"} | write("")).problems
    assert (problem.place, problem.advice) == ("PGTOP_PRESET", "Did you mean vim?")
    environ = write("[keys]\npause = 'v'") | {"PGTOP_PRESET": "vim"}
    dashboard = dashboard_for(Settings(), Safety(), environ=environ)
    assert dashboard.guards.read_only
    assert dashboard.settings.keymap.is_built_in


def test_no_two_values_share_a_variable() -> None:
    variables = [variable_of(field) for field in plain_fields()]
    assert len(set(variables)) == len(variables)
    assert DISPLAY not in {field.name for field in plain_fields()}
    assert not {field.name for field in plain_fields()} & TABLES.keys()


@pytest.mark.parametrize(
    "value", [True, 1.5, 20, 'a "quoted" \\ text', ("a", "b"), {"warn": 5}, {}, ()]
)
def test_a_shown_value_is_toml(value: Any) -> None:
    read = tomllib.loads(f"key = {toml_value(value)}")["key"]
    assert read == json.loads(json.dumps(value))


def test_keys_and_filters_reach_the_dashboard(write: Write) -> None:
    environ = write(
        '[keys]\nrefresh = "Z"\npause = "F5"\n[filters]\nleak = "state:idle age>1h"'
    )
    settings = dashboard_for(Settings(), Safety(), environ=environ).settings
    assert settings.keymap.action("refresh").keys == ("Z",)
    assert settings.filters == {"leak": "state:idle age>1h"}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[keys]\nrefresh = 'F5'\npauze = 'x'", 3),
        ("[keys]\nrefresh = 'F5'\npause = 'F5'", 3),
        ("[keys]\nrefresh = 'Z'\npause = 'Z'", 1),
        ("[filters]\nleak = 'x'\n'a b' = 'y'", 3),
        ("[filters]\nleak = 3", 2),
    ],
)
def test_wrong_keys_and_filters_are_named_by_line(
    write: Write, text: str, line: int
) -> None:
    problem, *_ = _read(write(text)).problems
    assert problem.place.endswith(f"config.toml:{line}")


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("[servers.a]\nuri = 'postgresql://a:b@c/d'", [2]),
        ("[servers.a]\nuri = 'postgresql://a:b@c/d'\nlabel = ''", [2, 3]),
        ("[actions.a]\nkey = 'Z'\nrun = 'psql'", [3]),
        ("[display]\ntheme = 'mine'\n[themes.mine]\nbase = 'dark'\nwran = 'red'", [5]),
        ("[keys]\npreset = 'emacs'\nkilll = 'x'\nrefresh = 'K'", [2, 3, 4]),
        ("[filters]\n'a b' = 'y'\n'c d' = 'z'\nleak = 3", [2, 3, 4]),
    ],
)
def test_each_mistake_is_reported_once(
    write: Write, text: str, lines: list[int]
) -> None:
    """A value that is wrong is not missing, too, and none hides another."""
    places = [problem.place for problem in _read(write(text)).problems]
    assert [int(place.rpartition(":")[2]) for place in places] == lines
