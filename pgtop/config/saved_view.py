"""A view written to the end of the user's file, which keeps its text and its comments."""

import os
import stat
import tomllib
from pathlib import Path

from pgtop import files
from pgtop.config.mistakes import MistakeError
from pgtop.config.names import NAME_RULE, is_name
from pgtop.config.schema import fields
from pgtop.config.toml_text import toml_value
from pgtop.config.views import ViewProfile, check_view

_LONGEST = 64 << 10
"""Bytes of a configuration file."""


class NotSavedError(Exception):
    """A sentence about a view that was not saved. The file is as it was."""


def save_view(path: Path, profile: ViewProfile) -> None:
    """Add a view to the file, or to a new one. Raises NotSavedError; may hang: see `in_time`."""
    if not is_name(profile.name):
        raise NotSavedError(NAME_RULE)
    try:
        check_view(profile)
    except MistakeError as error:
        raise NotSavedError(f"[views.{profile.name}] {error}") from None
    try:
        _append(path, profile)
    except OSError as error:
        reason = error.strerror or str(error)
        raise NotSavedError(f"{path} was not changed: {reason}") from error


def table_of(profile: ViewProfile) -> str:
    """Return a view as a table of TOML, without what is the default."""
    lines = [f"[views.{profile.name}]"]
    for field in fields(ViewProfile):
        value = getattr(profile, field.name)
        if field.setting and value != field.default:
            lines.append(f"{field.name} = {toml_value(value)}")
    return "".join(f"{line}\n" for line in lines)


def _append(path: Path, profile: ViewProfile) -> None:
    if not files.is_named(path):
        files.make_private(path.parent)
        files.write_new(path, table_of(profile).encode())
        return
    target = path.resolve(strict=True)  # a link stays a link
    before = _content(target)
    after = _with_table(before, profile)
    _replace(target, before, after)


def _content(path: Path) -> bytes:
    """Return the bytes of a file that this user may change. Raises OSError."""
    return files.read_bounded(files.open_own(path, os.O_RDWR), _LONGEST)


def _with_table(before: bytes, profile: ViewProfile) -> bytes:
    """Return the content with the view behind it. Raises NotSavedError if it would not be right."""
    name = profile.name.lower()
    try:
        text = before.decode("utf-8")
        views = tomllib.loads(text).get("views", {})
    except ValueError:
        raise NotSavedError("the file is wrong: see pgtop config check") from None
    names = map(str.lower, views) if isinstance(views, dict) else (name,)
    if name in names:
        raise NotSavedError(f"there is a view {profile.name} already")
    after = _with_blank_line(text) + table_of(profile)
    try:
        tomllib.loads(after)
    except tomllib.TOMLDecodeError:  # views as an inline table
        raise NotSavedError("[views] in the file takes no more tables") from None
    return after.encode()


def _with_blank_line(text: str) -> str:
    """Return the text with an empty line behind it, unless it is empty itself."""
    if not text:
        return text
    return text + ("\n" if text.endswith("\n") else "\n\n")


def _replace(path: Path, before: bytes, after: bytes) -> None:
    """Put a new file in the place of the old one, at once or not at all. Raises OSError and
    NotSavedError.
    """
    mode = stat.S_IMODE(path.stat().st_mode)
    other = path.with_name(f".{path.name}.{os.getpid()}")
    files.write_new(other, after)
    try:
        other.chmod(mode)
        if _content(path) != before:
            raise NotSavedError("the file was changed meanwhile: try again")
        other.replace(path)
    finally:
        other.unlink(missing_ok=True)
