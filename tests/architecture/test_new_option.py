"""A new option is declared once, and read in its command: two source files at most."""

import re
import shutil
import subprocess
import sys

import pytest

from tests.architecture.rules import ROOT
from tests.help.test_contributing import examples

_OPTION_OF_A_COMMAND = {
    "pgtop/cli/args/records.py": (
        """Argument("bash | zsh | fish", choices=SHELLS, help="the shell to complete in"),
    ]
""",
        """Argument("bash | zsh | fish", choices=SHELLS, help="the shell to complete in"),
    ]
    greeting: Annotated[
        str,
        option("--greeting", metavar="TEXT", choices=("hello", "moin"), help="the first line"),
    ] = "hello"
""",
    ),
    "pgtop/cli/commands/completion.py": (
        "output.write_data(",
        'output.write_data(f"# {command.greeting}\\n" + ',
    ),
}
_OPTION_OF_THE_DASHBOARD = {
    "pgtop/config/settings.py": (
        "    plain_driver: ",
        "".join(examples("Add an option")) + "    plain_driver: ",
    ),
}
_PROGRAM = """
from pgtop.cli.args.options import parse, parsers
from pgtop.cli.completion import SCRIPTS
from pgtop.cli.main import run
from pgtop.cli.man_page import man_page

run(["completion", "bash", "--greeting", "moin"])
print(*(parse(words).settings.bell for words in ([], ["--bell"], ["demo", "--bell"])))
print(*(parser.format_help() for parser in parsers().values()))
print(*(script() for script in SCRIPTS.values()))
print(man_page())
"""


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return what a copy of pgtop with two more options prints."""
    folder = tmp_path_factory.mktemp("copy")
    shutil.copytree(ROOT / "pgtop", folder / "pgtop")
    for name, (old, new) in {
        **_OPTION_OF_A_COMMAND,
        **_OPTION_OF_THE_DASHBOARD,
    }.items():
        path = folder / name
        source = path.read_text()
        assert source.count(old) == 1
        path.write_text(source.replace(old, new))
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        cwd=folder,
        env={"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    return done.stdout


def test_an_option_of_a_command_is_declared_in_one_file_and_read_in_another(
    output: str,
) -> None:
    assert output.startswith("# moin\n")
    assert re.search(r"--greeting TEXT +the first line \(hello\)\n", output)  # --help
    assert "--greeting) words='hello moin' source= ;;" in output  # bash
    zsh = "--greeting=[the first line (hello)]:TEXT:{compadd -- hello moin}"
    assert zsh in output
    # Fish.
    assert "-l greeting -x -a 'hello moin' -d 'the first line (hello)'" in output
    assert r"\-\-greeting TEXT" in output  # the man page


def test_an_option_of_the_dashboard_is_a_field_of_its_settings(output: str) -> None:
    assert "\nFalse True True\n" in output
    assert re.search(r"--bell +ring on an alarm\n", output)  # --help
    assert "-l bell -d 'ring on an alarm'" in output  # fish
    assert r"\-\-bell" in output  # the man page


def test_options_are_added_to_a_parser_in_one_module_only() -> None:
    modules = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "pgtop").rglob("*.py")
        if "add_argument(" in path.read_text()
    ]
    assert modules == ["pgtop/cli/args/parsers.py"]
