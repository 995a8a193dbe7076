"""A user's files: found also without a home, opened without waiting, and read within bounds.

Anything may have a file's name: a link, a pipe that nothing writes to, a device, a file of another
user.
"""

import errno
import os
import pwd
import stat
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Literal, TypeVar

_T = TypeVar("_T")

PATIENCE = 3.0
"""Seconds after which a file system is taken for one that hangs."""
_PLACES = {"config": ("XDG_CONFIG_HOME", ".config"), "state": ("XDG_STATE_HOME", ".local/state")}
_MAC = "Library/Application Support"
_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFLNK: "a link",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def user_folder(kind: Literal["config", "state"]) -> Path | None:
    """Return where this platform keeps a user's configuration or state of pgtop; None where there
    is no home.

    A relative path in XDG_CONFIG_HOME or XDG_STATE_HOME counts as none.
    https://specifications.freedesktop.org/basedir-spec/latest/
    """
    variable, usual = _PLACES[kind]
    chosen = os.environ.get(variable, "")
    if os.path.isabs(chosen):
        return Path(chosen, "pgtop")
    home = _home()
    return home and home / (_MAC if sys.platform == "darwin" else usual) / "pgtop"


def _home() -> Path | None:
    """Return HOME, or else the home of the user that this process runs as; None where neither is a
    path.
    """
    home = os.environ.get("HOME", "")
    if not os.path.isabs(home):
        try:
            home = pwd.getpwuid(os.getuid()).pw_dir
        except KeyError:  # a uid without a name, as in a container
            return None
    return Path(home) if os.path.isabs(home) else None


def is_named(path: Path) -> bool:
    """Return whether the path or a folder above it exists, if only as a dangling link. Raises
    OSError.
    """
    for place in (path, *path.parents):
        try:
            status = place.lstat()
        except FileNotFoundError:
            continue
        return place == path or (stat.S_ISLNK(status.st_mode) and not place.exists())
    return False


def is_anothers_home(folder: Path) -> bool:
    """Return whether `folder`, which holds all applications' files, is out of reach in a folder of
    another user.

    HOME outlives a change of user (su -m, setpriv), and a service's may be no folder at all.
    """
    try:
        folder.stat()
    except NotADirectoryError:
        return True
    except PermissionError:
        return _closed_above(folder).st_uid != os.geteuid()
    except OSError:
        return False
    return False


def _closed_above(folder: Path) -> os.stat_result:
    """Return the status of the nearest folder above that lets this user see it, but not what is in
    it.
    """
    for place in folder.parents:
        try:
            return place.stat()
        except PermissionError:
            continue
    raise AssertionError("every user may look at /")


def open_regular(path: Path, flags: int) -> int:
    """Open a regular file, without waiting for it to be one. Raises OSError that says what it is
    instead.
    """
    look = os.lstat if flags & os.O_NOFOLLOW else os.stat
    try:
        _check_regular(look(path))  # merely to open a device may move it
    except FileNotFoundError:
        if not flags & os.O_CREAT:
            raise
    file = os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY, 0o600)
    try:
        _check_regular(os.fstat(file))
    except OSError:
        os.close(file)
        raise
    return file


def open_own(path: Path, flags: int) -> int:
    """Open a regular file that is this user's and has no other name, never through a link. Raises
    OSError.
    """
    file = open_regular(path, flags | os.O_NOFOLLOW)
    status = os.fstat(file)
    if status.st_uid == os.geteuid() and status.st_nlink == 1:
        return file
    os.close(file)
    raise _refusal(
        "it belongs to another user"
        if status.st_nlink == 1
        else "it has another name, by a hard link"
    )


def make_private(folder: Path) -> None:
    """Make the folder and those above it, whatever the umask, and close it to other users. Raises
    OSError.
    """
    for place in (*reversed(folder.parents), folder):
        if not place.is_dir():
            place.mkdir(mode=0o700, exist_ok=True)
    status = folder.stat()
    if status.st_uid not in (os.geteuid(), 0):
        raise _refusal("its folder belongs to another user")
    if status.st_uid == os.geteuid() and status.st_mode & 0o077:
        folder.chmod(0o700)


def read_bounded(file: int, most: int) -> bytes:
    """Read all of an open file. Raises OSError for one that is longer than `most` bytes."""
    with open(file, "rb", closefd=False) as opened:
        content = opened.read(most + 1)
    if len(content) > most:
        raise _refusal(f"it is longer than {most >> 10} KiB")
    return content


def in_time(work: Callable[[], _T]) -> _T:
    """Do the work in a thread that is left behind if its file system hangs. Raises TimeoutError
    then.
    """
    results: list[_T] = []
    failures: list[BaseException] = []

    def carry_out() -> None:
        try:
            results.append(work())
        except BaseException as error:  # noqa: BLE001  # is raised below
            failures.append(error)

    thread = threading.Thread(target=carry_out, name="pgtop-file", daemon=True)
    thread.start()
    thread.join(PATIENCE)
    if failures:
        raise failures[0]
    if not results:
        raise TimeoutError(errno.ETIMEDOUT, f"its file system has not answered for {PATIENCE:g} s")
    return results[0]


def _check_regular(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise _refusal(
            f"it is {_KINDS.get(stat.S_IFMT(status.st_mode), 'something else')}, not a regular file"
        )


def _refusal(why: str) -> OSError:
    return OSError(errno.EPERM, why)
