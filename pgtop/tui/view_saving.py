"""Saves a view, as it is on screen, in the user's configuration."""

from __future__ import annotations

import asyncio
import os
from functools import partial
from typing import TYPE_CHECKING

from pgtop import keys
from pgtop.config.saved_view import NotSavedError, save_view
from pgtop.config.toml_file import user_path
from pgtop.files import in_time
from pgtop.text.clean import clean
from pgtop.text.tone import Tone
from pgtop.tui.dialogs.file_name import FileNameScreen
from pgtop.tui.workers import start

if TYPE_CHECKING:
    from pgtop.config.views import ViewProfile
    from pgtop.tui.app import PgtopApp
    from pgtop.tui.theme import Palette
    from pgtop.tui.view_switch import ViewSwitch


class _ViewNameScreen(FileNameScreen):
    """The field for the name of a view."""

    ACCEPT = "add it to config.toml"


class ViewSaving:
    """One view: the field for its name, and the outcome on the notice line."""

    def __init__(
        self,
        app: PgtopApp,
        views: ViewSwitch,
        profile: ViewProfile,
        palette: Palette,
    ) -> None:
        self._app = app
        self._views = views
        self._profile = profile
        self._palette = palette

    def offer(self) -> None:
        """Let the user name the view."""
        field = _ViewNameScreen("Name of this view", "", self._palette)
        self._app.push_screen(field, self._start)

    def _start(self, name: str | None) -> None:
        if name is not None:
            profile = self._profile._replace(name=name)
            start(self._app, partial(self._save, profile), "view")

    def _check_name(self, name: str) -> None:
        """Raise NotSavedError if a view is called so, perhaps one of the machine's file."""
        if self._views.has(name):
            raise NotSavedError(f"there is a view {name} already")

    async def _save(self, profile: ViewProfile) -> None:
        path = user_path(os.environ)
        if path is None:
            self._app.show_notice("not saved: this user has no home folder", Tone.WARN)
            return
        try:
            self._check_name(profile.name)
            await asyncio.to_thread(in_time, partial(save_view, path, profile))
        except (NotSavedError, OSError) as error:
            self._app.show_notice(clean(f"not saved: {error}"), Tone.WARN)
        else:
            view = self._views.add(profile)
            way = keys.hint(view.action.id)
            words = (
                f"saved as {profile.name} in {path}: {way} opens it,"
                f" and --view {profile.name} opens it first"
            )
            self._app.show_notice(clean(words))
