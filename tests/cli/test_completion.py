"""The shells offer the words that pgtop takes."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path

import pytest

from pgtop.cli.args.options import parsers
from pgtop.cli.completion import SCRIPTS
from pgtop.cli.completion.words import filter_keys, options_of
from tests.cli import pgtop
from tests.pty import Condition, Terminal

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
    unescaped = done.stdout.replace("\\", "")
    assert all(key in unescaped for key in filter_keys())


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
        ("show s", {"service="}),
        ("--theme = d", {"dark"}),
        ("show --sort = xm", {"xmin_age"}),
        ("record --texts =", {"all", "redacted", "none"}),
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


_INTERACTIVE = {
    "bash": ["bash", "--norc", "--noprofile", "-i"],
    "zsh": ["zsh", "-f", "-i"],
    "fish": ["fish", "--no-config"],
}
_TYPED = [
    ("pgtop completion f", "pgtop completion fish"),
    ("pgtop show --sort xm", "pgtop show --sort xmin_age"),
    ("pgtop show --sort=xm", "pgtop show --sort=xmin_age"),
    ("pgtop show service=bil", "pgtop show service=billing"),
    ("pgtop show @pr", "pgtop show @prod"),
    ("pgtop report inc", "pgtop report incident.pgtop"),
    ("pgtop show --from inc", "pgtop show --from incident.pgtop"),
    ("pgtop -h so", "pgtop -h sockets"),
]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Path]:
    """Make a folder with a recording, a service file, a configuration, and a server's socket."""
    (tmp_path / "incident.pgtop").touch()
    (tmp_path / "incident.txt").touch()
    (tmp_path / "services").write_text("[billing]\nhost=db9\n")
    (tmp_path / "config.toml").write_text("[servers.prod]\nservice = 'billing'\n")
    (tmp_path / "sockets").mkdir()
    with socket.socket(socket.AF_UNIX) as listener, chdir(tmp_path):
        listener.bind("sockets/.s.PGSQL.5432")
        yield tmp_path


def _without(words: str) -> Condition:
    return lambda terminal: words not in terminal.text


@pytest.mark.system
@pytest.mark.parametrize("shell", _INTERACTIVE)
def test_tab_completes(shell: str, desk: Path) -> None:
    """Typed into the shell itself, Tab completes words, values, files and names; in zsh also
    before compinit.
    """
    script = desk / "script"
    script.write_text(SCRIPTS[shell]())
    environment = {
        "HOME": str(desk),
        "PGHOST": "sockets",
        "PGSERVICEFILE": str(desk / "services"),
        "PGTOP_CONFIG": str(desk / "config.toml"),
        "PS1": "ready> ",
    }
    with Terminal(_INTERACTIVE[shell], environment=environment) as terminal:
        terminal.wait_for(lambda shown: shown.text.strip())
        terminal.send(f"source {script}; echo re''ady\r")
        terminal.wait_for("\nready")
        for typed, completed in _TYPED:
            terminal.send(f"{typed}\t")
            terminal.wait_for(completed)
            terminal.send("\x15")
            terminal.wait_for(_without(completed))


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
