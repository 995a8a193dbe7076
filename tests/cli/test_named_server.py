"""`@NAME`: where it names a server, what may go with it, and what becomes of it."""

from pathlib import Path

import pytest

from pgtop.cli.args.options import parse
from pgtop.cli.connection_string import parameters_of
from pgtop.cli.named_server import resolved
from pgtop.config import toml_file
from pgtop.errors import UsageError


@pytest.fixture
def _file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "config.toml"
    path.write_text(
        "[servers.prod]\nuri = 'postgresql://dba@db1:5433/shop?sslmode=require'\n"
        "[servers.svc]\nservice = 'svc'\n"
    )
    monkeypatch.setenv("PGTOP_CONFIG", str(path))
    monkeypatch.setattr(toml_file, "SYSTEM_PATH", tmp_path / "none" / "config.toml")


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (["@prod"], "prod"),
        (["show", "--json", "@prod"], "prod"),
        (["locks", "@prod", "--filter", "@leak"], "prod"),
        (["kill", "@prod", "4711"], "prod"),
        (["kill", "state:idle", "@prod"], "prod"),
        (["budget", "-w", "80", "@prod"], "prod"),
        (["--theme", "dark", "@prod", "shop"], "prod"),
        (["show", "--filter", "@leak"], ""),
        (["kill", "-d", "x", "--", "@leak"], ""),
        (["-d", "@prod"], ""),
        (["-U", "@prod"], ""),
        (["kill", "--reason", "@ops", "4711"], ""),
        (["budget", "-w", "@10:20"], ""),
        (["budget", "-w", "@10:20", "@prod"], "prod"),
        (["show", "-w", "@prod"], "prod"),
    ],
)
def test_a_word_with_an_at_is_a_server_wherever_it_stands(
    words: list[str], name: str
) -> None:
    """The value of an option never is, nor is a word behind --."""
    assert getattr(parse(words), "connection").server_name == name  # noqa: B009


@pytest.mark.parametrize(
    "words",
    [
        ["@prod", "@test"],
        ["@prod", "-h", "db2"],
        ["show", "@prod", "-p", "5433"],
        ["@prod", "postgresql://db2"],
        ["@prod", "-d", "host=db2"],
        ["kill", "@prod", "postgresql://db2", "1"],
        ["audit", "--since", "1d", "--no", "@prod"],
    ],
)
def test_nothing_else_names_the_server_beside_it(words: list[str]) -> None:
    """The label and the guards are those of one server."""
    with pytest.raises(UsageError):
        parse(words)


@pytest.mark.usefixtures("_file")
@pytest.mark.parametrize(
    ("words", "parameters"),
    [
        (
            ["@prod"],
            {
                "user": "dba",
                "host": "db1",
                "port": "5433",
                "dbname": "shop",
                "sslmode": "require",
            },
        ),
        (["@svc"], {"service": "svc"}),
        (
            ["@svc", "-U", "ops", "postgres"],
            {"service": "svc", "user": "ops", "dbname": "postgres"},
        ),
    ],
)
def test_its_parameters_are_those_of_the_profile(
    words: list[str], parameters: dict[str, str]
) -> None:
    connection = resolved(getattr(parse(words), "connection"))  # noqa: B009
    assert parameters_of(connection) == parameters


@pytest.mark.usefixtures("_file")
def test_an_unknown_server_is_named_with_the_nearest_one() -> None:
    with pytest.raises(UsageError, match="There is no server @prd") as refused:
        resolved(getattr(parse(["@prd"]), "connection"))  # noqa: B009
    assert "Did you mean @prod?" in refused.value.advice
