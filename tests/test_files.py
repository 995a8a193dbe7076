"""Configuration and state files of any kind: pgtop waits for none, and drops no guard."""

import os
import pwd
import socket
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgtop import files
from pgtop.cli.configuration import guards_for
from pgtop.config.guards import Guards
from pgtop.config.settings import Safety
from pgtop.errors import UsageError
from pgtop.sources.postgres.conninfo import resolve
from pgtop.text.clean import clean
from tests.cli import one_sentence, pgtop

_ROOT = str(Path(files.__file__).parents[1])
_STRANGER = 54321  # a uid without a name

Place = Callable[[Path], object]


def _dangling(path: Path) -> None:
    path.symlink_to(path.with_name("nowhere"))


def _socket(path: Path) -> None:
    socket.socket(socket.AF_UNIX).bind(str(path))


_IN_THE_WAY: dict[str, Place] = {
    "dangling link": _dangling,
    "link to itself": lambda path: path.symlink_to(path),
    "folder": Path.mkdir,
    "pipe": os.mkfifo,
    "socket": _socket,
    "device": lambda path: path.symlink_to("/dev/zero"),
}
_CONTENTS = {
    "not UTF-8": b"read_only = true # \xe9\n",
    "UTF-16": "read_only = true\n".encode("utf-16"),
    "huge": b"# " + b"x" * 100_000,
    "nested": b"protect = " + b"[" * 20_000,
    "byte order mark": b"\xef\xbb\xbfread_only = true\n",
    "binary": bytes(range(256)),
    "no TOML": b"read_only: true\n",
    "unknown setting": b"readonly = true\n",
    "wrong kind": b'read_only = "no"\n',
    "number": b"read_only = " + b"9" * 10_000,
}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder for this user's configuration, which is not the developer's."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (tmp_path / "config" / "pgtop").mkdir(parents=True)
    return tmp_path / "config" / "pgtop"


@pytest.mark.parametrize("chosen", [False, True], ids=["usual", "PGTOP_CONFIG"])
@pytest.mark.parametrize("kind", [*_IN_THE_WAY, *_CONTENTS])
def test_a_configuration_that_cannot_be_read_is_refused(
    kind: str, chosen: bool, home: Path
) -> None:
    """A configuration may hold guards: anything unreadable under its name stops pgtop."""
    path = home / "config.toml"
    if kind in _CONTENTS:
        path.write_bytes(_CONTENTS[kind])
    else:
        _IN_THE_WAY[kind](path)
    with pytest.raises(UsageError, match=r"config\.toml") as refused:
        guards_for(Safety(), {"PGTOP_CONFIG": str(path)} if chosen else {})
    assert len(clean(str(refused.value))) < 1000


@given(
    st.binary(max_size=300)
    | st.text(alphabet="read_only=[]{}\"'.#\n \\u0protect").map(str.encode)
)
def test_no_content_of_a_configuration_is_a_bug(content: bytes) -> None:
    """Any bytes are guards or a sentence."""
    file = os.memfd_create("config") if hasattr(os, "memfd_create") else None
    if file is None:
        return
    try:
        os.pwrite(file, content, 0)
        guards = guards_for(Safety(), {"PGTOP_CONFIG": f"/proc/self/fd/{file}"})
        assert isinstance(guards, Guards)
    except UsageError:
        pass
    finally:
        os.close(file)


def test_only_a_missing_name_is_no_configuration(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the file, its folder or the home nothing is set; a folder that is a dangling link
    counts as a name."""
    assert guards_for(Safety(), {}) == Guards()
    home.rmdir()
    assert guards_for(Safety(), {}) == Guards()
    home.symlink_to(home.with_name("not mounted"))
    with pytest.raises(UsageError, match="no such file"):
        guards_for(Safety(), {})
    home.unlink()
    home.write_text("")
    with pytest.raises(UsageError, match="Not a directory"):
        guards_for(Safety(), {})
    monkeypatch.setenv("XDG_CONFIG_HOME", "/nonexistent/config")
    assert guards_for(Safety(), {}) == Guards()


def test_a_configuration_that_hangs_is_given_up(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A silent file system delays the start for a moment, and is then named."""
    (home / "config.toml").write_text("read_only = true\n")
    monkeypatch.setattr(files, "HANG_SECONDS", 0.05)
    answers = threading.Event()

    def hanging(_path: Path, _flags: int) -> int:
        answers.wait()
        raise OSError

    monkeypatch.setattr(files, "open_regular", hanging)
    with pytest.raises(UsageError, match="has not answered"):
        guards_for(Safety(), {})
    answers.set()


def test_a_link_to_a_configuration_is_followed(home: Path) -> None:
    """People keep their configuration elsewhere and link to it."""
    elsewhere = home.parent / "dotfiles.toml"
    elsewhere.write_text("read_only = true\n")
    (home / "config.toml").symlink_to(elsewhere)
    assert "config.toml" in guards_for(Safety(), {}).read_only


def test_a_configuration_out_of_a_pipe_of_the_shell() -> None:
    """PGTOP_CONFIG=<(…) names a pipe among this process's own files, which is read to its end."""
    reading, writing = os.pipe()
    os.write(writing, b"read_only = true\n")
    os.close(writing)
    try:
        assert guards_for(Safety(), {"PGTOP_CONFIG": f"/dev/fd/{reading}"}).read_only
    finally:
        os.close(reading)


def test_dev_null_is_an_empty_configuration() -> None:
    """People name /dev/null to have no configuration."""
    assert guards_for(Safety(), {"PGTOP_CONFIG": os.devnull}) == Guards()


@pytest.mark.parametrize(
    ("variable", "kind"), [("XDG_CONFIG_HOME", "config"), ("XDG_STATE_HOME", "state")]
)
def test_paths_follow_xdg_and_home(
    variable: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An XDG variable that is no absolute path counts as unset, and HOME likewise; without a
    user name there is no home."""
    monkeypatch.setenv("HOME", "/home/anna")
    monkeypatch.setenv(variable, "/elsewhere")
    assert files.user_folder(kind) == Path("/elsewhere/pgtop")  # type: ignore[arg-type]
    for wrong in ("", "config", "~/.config", "./x"):
        monkeypatch.setenv(variable, wrong)
        folder = files.user_folder(kind)  # type: ignore[arg-type]
        assert folder is not None
        assert folder.is_relative_to("/home/anna")

    def nameless(_uid: int) -> None:
        raise KeyError

    monkeypatch.setattr(pwd, "getpwuid", nameless)
    for wrong in ("", "anna"):
        monkeypatch.setenv("HOME", wrong)
        assert files.user_folder(kind) is None  # type: ignore[arg-type]


def test_without_a_home_there_are_no_files_and_no_guard_is_dropped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The lack is reported once; guards among the options stand, and a required audit log is
    refused."""
    monkeypatch.setattr(files, "_home", lambda: None)
    monkeypatch.delenv("XDG_CONFIG_HOME")
    assert guards_for(Safety(read_only=True), {}).read_only


_AS_STRANGER = """
import os, sys
import pgtop.signalling.audit_log, pgtop.cli.configuration, pgtop.cli.commands.audit
import pgtop.config.joint, pgtop.config.variables, pgtop.cli.config_filters
import pgtop.cli.main, pgtop.text.clean, pgtop.text.ascii
from pgtop.sources.postgres.conninfo import resolve
from pgtop.sources.postgres.tls_files import locked_key
from pgtop.cli.args.options import parse
from pgtop.config.settings import Safety
parse(["audit"])  # loads the rest: the stranger may not read this Python
if os.geteuid() == 0:
    os.setgroups([]); os.setgid(54321); os.setuid(54321)
"""


def _as_stranger(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the code as a user without a name, if we may become one."""
    return subprocess.run(
        [sys.executable, "-c", _AS_STRANGER + code],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": _ROOT, **environment},
        capture_output=True, text=True, cwd="/", check=False,
    )  # fmt: skip


def _closed_folder(tmp_path: Path) -> Path:
    """Make a folder that the stranger may not enter."""
    if os.geteuid() != 0:
        return Path("/root")
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    return closed


def test_the_home_of_another_user_is_not_used(tmp_path: Path) -> None:
    """A HOME that outlived a change of user is reported once; pgtop works without files, and the
    audit log gives the reason."""
    home = str(_closed_folder(tmp_path))
    code = "print(pgtop.cli.configuration.guards_for(Safety(), {}))"
    done = _as_stranger(code, HOME=home)
    assert "read_only=''" in done.stdout
    assert "No configuration is read" in one_sentence(done.stderr)
    where = "{'host': 'db1', 'user': 'web'}"
    done = _as_stranger(
        f"print(repr(locked_key({where})), resolve({where}).passwords)", HOME=home
    )
    assert done.stdout == "'' None\n"
    done = _as_stranger("sys.exit(pgtop.cli.main.run(['audit']))", HOME=home)
    assert done.returncode == 6
    assert "Permission denied" in done.stderr
    assert "Traceback" not in done.stderr


def test_our_own_closed_folder_is_refused() -> None:
    """A folder that this user has closed may hold guards."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        base = Path(folder) / "config"
        base.mkdir()
        if os.geteuid() == 0:
            os.chown(base, _STRANGER, _STRANGER)
        base.chmod(0)
        done = _as_stranger(
            "sys.exit(pgtop.cli.main.run(['audit']))",
            XDG_CONFIG_HOME=str(base),
            HOME="/nonexistent",
        )
    assert "Permission denied" in done.stderr
    assert done.returncode == 2


def test_without_a_home_commands_end_in_a_sentence() -> None:
    """A uid without a name and without HOME, as in a container, gets a sentence."""
    if os.geteuid() != 0:
        return
    done = _as_stranger("sys.exit(pgtop.cli.main.run(['audit']))")
    assert done.returncode == 6
    assert "no home folder" in one_sentence(done.stderr)
    done = _as_stranger(
        "print(pgtop.cli.configuration.guards_for(Safety(), {}).read_only == '')"
    )
    assert done.stdout == "True\n"
    assert "no home folder" in one_sentence(done.stderr)


def test_a_refused_configuration_stops_the_command(tmp_path: Path) -> None:
    """The sentence names the file and a remedy."""
    (tmp_path / "config.toml").symlink_to(tmp_path / "gone")
    for words in (["show"], ["locks"], ["audit"], ["kill", "1"]):
        done = pgtop(
            *words, environment={"PGTOP_CONFIG": str(tmp_path / "config.toml")}
        )
        assert done.returncode == 2
        assert "Correct it, or move it away" in one_sentence(done.stderr)


def test_folders_are_private_whatever_the_umask(tmp_path: Path) -> None:
    """Parent folders are, too: other users must not write to a new user's `.local`."""
    before = os.umask(0)
    try:
        files.make_private(tmp_path / "local" / "state" / "pgtop")
    finally:
        os.umask(before)
    folders = [
        tmp_path / "local",
        tmp_path / "local" / "state",
        tmp_path / "local" / "state" / "pgtop",
    ]
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in folders} == {0o700}
    folders[-1].chmod(0o777)
    files.make_private(folders[-1])
    assert stat.S_IMODE(folders[-1].stat().st_mode) == 0o700


def test_a_uid_without_a_name_needs_none_if_the_role_is_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As with psql, only the default role is the user's own name."""

    def nameless(_uid: int) -> None:
        raise KeyError

    monkeypatch.setattr(pwd, "getpwuid", nameless)
    monkeypatch.delenv("HOME", raising=False)
    assert resolve({"user": "web", "host": "127.0.0.1"}).options["user"] == "web"
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        resolve({"host": "127.0.0.1"})
