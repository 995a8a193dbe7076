"""The shells offer the words that pgtop takes."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from pgtop.cli.args.options import parsers
from pgtop.cli.completion import SCRIPTS, filter_keys, options_of
from tests.cli import pgtop

SHELLS = [shell for shell in SCRIPTS if shutil.which(shell)]
"""Debian always has bash; the others are tried if they are installed."""


@pytest.mark.parametrize("shell", SCRIPTS)
def test_every_option_is_offered(shell: str) -> None:
    """Each script has each command, its options, and the keys of the filter."""
    done = pgtop("completion", shell)
    assert done.stderr == ""
    for name, parser in parsers().items():
        assert name in done.stdout
        for option in options_of(parser):
            assert all(word.lstrip("-") in done.stdout for word in option.names)
    assert all(key in done.stdout for key in filter_keys())


@pytest.mark.parametrize("shell", SHELLS)
def test_the_shell_can_read_its_script(shell: str) -> None:
    flag = "--no-execute" if shell == "fish" else "-n"
    done = subprocess.run(
        [shell, flag],
        input=SCRIPTS[shell](),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("ki", {"kill"}),
        ("c", {"cancel", "completion", "config"}),
        ("config s", {"show", "schema"}),
        ("kill --a", {"--all-clients"}),
        ("--th", {"--theme"}),
        ("show --c", {"--csv"}),
        ("kill st", {"state:"}),
        ("completion f", {"fish"}),
        ("cancel --es", {"--escalate"}),
        ("--theme d", {"dark"}),
        ("show --sort xm", {"xmin_age"}),
        ("show --filter st", {"state:"}),
        ("kill --protect us", {"user:"}),
        ("--host s", set()),
        ("show s", set()),
        ("budget --role st", set()),
        ("kill state : a", set()),
        ("locks --fi", {"--filter"}),
        ("-d k", set()),
        ("help em", {"emergencies"}),
    ],
)
def test_bash_completes(typed: str, offered: set[str]) -> None:
    """Bash itself completes, as after Tab."""
    program = f"""
{SCRIPTS["bash"]()}
COMP_WORDS=(pgtop {typed})
COMP_CWORD={len(typed.split())}
_pgtop 2>/dev/null
printf "%s\\n" "${{COMPREPLY[@]}}"
"""
    done = subprocess.run(
        ["bash", "-c", program], capture_output=True, text=True, check=True
    )
    assert set(done.stdout.split()) == offered


@pytest.mark.parametrize("words", ["show @t", "@t", "kill @ t"])
def test_bash_offers_the_named_servers(words: str, tmp_path: Path) -> None:
    """The names come from the heads of tables; bash splits the line at an @."""
    path = tmp_path / "config.toml"
    path.write_text(
        "[servers.test]\nservice = 't'\n [servers.prod] # x\n#[servers.off]\n"
    )
    program = f"""
{SCRIPTS["bash"]()}
COMP_WORDS=(pgtop {words})
COMP_CWORD={len(words.split())}
_pgtop
printf "%s\\n" "${{COMPREPLY[@]}}"
"""
    done = subprocess.run(
        ["bash", "-c", program],
        env={"PATH": os.environ["PATH"], "PGTOP_CONFIG": str(path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "@test\n"
