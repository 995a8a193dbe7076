"""A user's files: found even without a home, opened without waiting, and read up to a limit.

A path may lead to anything: a link, a pipe without a writer, a device, another user's file, a file
system that hangs.
"""

import errno
import os
import pwd
import stat
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Literal, TypeVar, cast

_T = TypeVar("_T")

HANG_SECONDS = 3.0
"""Seconds without an answer after which a file system counts as hanging."""
_BASE_FOLDERS = {
    "config": ("XDG_CONFIG_HOME", ".config"),
    "state": ("XDG_STATE_HOME", ".local/state"),
}
_MAC_FOLDER = "Library/Application Support"
_FILE_TYPES = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFLNK: "a link",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def open_nowhere() -> int:
    """Return a descriptor that drops what is written.

    A bare chroot has no /dev/null. A pipe without a reader fails instead: Python ignores SIGPIPE.
    """
    with suppress(OSError):
        return os.open(os.devnull, os.O_WRONLY)
    reader, writer = os.pipe()
    os.close(reader)
    return writer


def user_folder(kind: Literal["config", "state"]) -> Path | None:
    """Return this platform's folder for pgtop's configuration or state; None if the user has no
    home.

    A relative path in XDG_CONFIG_HOME or XDG_STATE_HOME is ignored.
    https://specifications.freedesktop.org/basedir-spec/latest/
    """
    variable, default = _BASE_FOLDERS[kind]
    base = os.environ.get(variable, "")
    if os.path.isabs(base):
        return Path(base, "pgtop")
    home = _home()
    if home is None:
        return None
    folder = _MAC_FOLDER if sys.platform == "darwin" else default
    return home / folder / "pgtop"


def _home() -> Path | None:
    """Return HOME, or the home of the user that runs this process; None if neither is an absolute
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
    """Return whether the path exists, or it or a folder above it is a dangling link. Raises
    OSError.
    """
    for place in (path, *path.parents):
        try:
            status = place.lstat()
        except FileNotFoundError:
            continue
        is_dangling_link = stat.S_ISLNK(status.st_mode) and not place.exists()
        return place == path or is_dangling_link
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
        return _nearest_visible(folder).st_uid != os.geteuid()
    except OSError:
        return False
    return False


def _nearest_visible(folder: Path) -> os.stat_result:
    """Return the status of the nearest folder above that this user may look at."""
    for place in folder.parents:
        try:
            return place.stat()
        except PermissionError:
            continue
    raise AssertionError("every user may look at /")


def open_regular(path: Path, flags: int) -> int:
    """Open a regular file. Raises OSError with the file's type if it is another, and never waits
    for it.
    """
    read_status = os.lstat if flags & os.O_NOFOLLOW else os.stat
    try:
        # Before opening: that alone may move a device.
        _check_regular(read_status(path))
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
    """Open a regular file that belongs to this user and has no other name, never through a link.
    Raises OSError.
    """
    file = open_regular(path, flags | os.O_NOFOLLOW)
    status = os.fstat(file)
    is_own = status.st_uid == os.geteuid()
    if is_own and status.st_nlink == 1:
        return file
    os.close(file)
    if status.st_nlink == 1:
        raise _refusal("it belongs to another user")
    raise _refusal("it has another name, by a hard link")


def write_new(path: Path, content: bytes) -> None:
    """Write a file that only this user may read. Raises OSError, after which there is no
    half-written file; FileExistsError if there is one, which is never changed.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    file = os.open(path, flags, 0o600)
    try:
        with open(file, "wb") as stream:
            stream.write(content)
    except OSError:
        path.unlink(missing_ok=True)
        raise


def replace_readable(path: Path, content: bytes) -> None:
    """Put a file that every user may read in the place of `path`, in one step: its readers see the
    old content or the new one. Raises OSError, after which the old one is there.
    """
    new = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        write_new(new, content)
        new.chmod(0o644)
        new.replace(path)
    except OSError:
        new.unlink(missing_ok=True)
        raise


def make_private(folder: Path) -> None:
    """Create the folder and those above it, whatever the umask, and close it to other users. Raises
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


def read_start(file: Path | int, limit: int) -> bytes:
    """Return the first `limit` bytes of a file, given by path or open; the file is closed.

    Opening a path may hang: see `in_time`. Raises OSError.
    """
    with open(file, "rb") as stream:
        return stream.read(limit)


def read_bounded(file: int, limit: int) -> bytes:
    """Read all of an open file, and close it. Raises OSError if it is longer than `limit` bytes."""
    content = read_start(file, limit + 1)
    if len(content) > limit:
        raise _refusal(f"it is longer than {limit >> 10} KiB")
    return content


@dataclass(frozen=True)
class WorkResult(Generic[_T]):
    """The result of a piece of work, or its exception."""

    value: _T | None = None
    error: BaseException | None = None

    @classmethod
    def of(cls, work: Callable[[], _T]) -> "WorkResult[_T]":
        """Do the work and keep its result or its exception."""
        try:
            return cls(work())
        except BaseException as error:  # noqa: BLE001  # `result` raises it
            return cls(error=error)

    def result(self) -> _T:
        """Return what the work returned, or raise what it raised."""
        if self.error is not None:
            raise self.error
        return cast(_T, self.value)

    def discard(self, discard: Callable[[_T], object]) -> None:
        """Pass the result to `discard`, if there is one."""
        if self.error is None:
            discard(self.result())


def start_daemon(
    work: Callable[[], _T], deliver: Callable[[WorkResult[_T]], object], name: str
) -> threading.Thread:
    """Do the work in a thread that never keeps the process alive, and deliver its outcome there."""
    thread = threading.Thread(
        target=lambda: deliver(WorkResult.of(work)), name=name, daemon=True
    )
    thread.start()
    return thread


def in_time(work: Callable[[], _T]) -> _T:
    """Do the work in a thread that is left behind if its file system hangs, which raises
    TimeoutError.
    """
    outcomes: list[WorkResult[_T]] = []
    start_daemon(work, outcomes.append, "pgtop-file").join(HANG_SECONDS)
    if not outcomes:
        seconds = f"{HANG_SECONDS:g} s"
        raise TimeoutError(
            errno.ETIMEDOUT, f"its file system has not answered for {seconds}"
        )
    return outcomes[0].result()


def _check_regular(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        file_type = _FILE_TYPES.get(stat.S_IFMT(status.st_mode), "something else")
        raise _refusal(f"it is {file_type}, not a regular file")


def _refusal(reason: str) -> OSError:
    return OSError(errno.EPERM, reason)
