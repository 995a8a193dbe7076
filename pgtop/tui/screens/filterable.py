"""The filter of a screen with rows: its field, what it means, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from textual.widget import Widget

from pgtop.actions import Action
from pgtop.config.settings import Settings
from pgtop.field_keys import FILTER_FIELD
from pgtop.monitor.state import State
from pgtop.table.filter import Filter, FilterError
from pgtop.table.language.errors import Fix
from pgtop.table.options import TableOptions
from pgtop.table.spec import TableSpec
from pgtop.text.wrap import Line
from pgtop.tui.filter_editor import FilterEditor
from pgtop.tui.messages import FilterKept
from pgtop.tui.screens.live import LiveScreen
from pgtop.tui.theme import Palette
from pgtop.tui.widgets.lines import Lines
from pgtop.view.filter_field import (
    TypedFilter,
    active_line,
    complaint_lines,
    empty_field_line,
    field_line,
    hint_words,
    meaning_line,
    refusal,
    unfinished_key,
    without_fragment,
)

if TYPE_CHECKING:
    from pgtop.table.language.completion import Completion
    from pgtop.view.help import HelpTopic


class _Completed(NamedTuple):
    """The last completion, and what it was made for."""

    text: str
    rows: object
    completion: Completion


class FilterableScreen(LiveScreen):
    """Owns the field of the filter and the lines about it, which stand above the headings.

    Subclasses apply the filter to their rows.
    """

    SPEC: TableSpec[Any, Any]
    NOUN = "rows"

    def __init__(
        self,
        state: State,
        settings: Settings,
        palette: Palette,
    ) -> None:
        super().__init__(state, settings, palette)
        self._options = TableOptions()
        self._filter_error: FilterError | None = None
        self._match_error: FilterError | None = None
        self._unfinished = ""
        self._is_open = False
        self.earlier: Sequence[str] = ()
        """Earlier filters, the newest first."""
        self._completed: _Completed | None = None
        self._input = FilterEditor(self._completion, self._fix, self._earlier)
        self._filter_line = Lines(palette, id="filter")
        self._understood = Lines(palette, id="understood")
        # Here, as a view of the user's own has its filter before it is composed.
        self._filter_line.display = self._understood.display = False

    # For subclasses.

    def apply(self, options: TableOptions) -> None:
        """Show the rows with other options."""
        raise NotImplementedError

    def filter_changed(self) -> None:
        """Move the cursor after another filter was accepted."""

    def match_counts(self) -> tuple[int, int]:
        """Return how many rows the filter selects, and from how many."""
        raise NotImplementedError

    def values_of(self, key: str) -> Iterable[str]:
        """Return the values of a key of the filter on screen, the most frequent first."""
        raise NotImplementedError

    def help_topic(self, actions: Sequence[Action]) -> HelpTopic:
        topic = super().help_topic(actions)
        return topic._replace(is_of_field=self.field is not None)

    # The lines.

    def filter_lines(self) -> Iterable[Widget]:
        """Yield the widgets above the headings."""
        yield self._filter_line
        yield self._understood

    def show_frame(self) -> None:
        super().show_frame()
        width = self.size.width
        _show(self._filter_line, self._first_lines(width))
        _show(self._understood, self._lines_below(width))

    def _first_lines(self, width: int) -> Sequence[Line]:
        if self.field is None:
            active = self._options.filter
            error = self._match_error
            return [active_line(active, error, self.NOUN, width)] if active.text else []
        return [field_line(self._typed_filter(), width)]

    def _lines_below(self, width: int) -> Sequence[Line]:
        if self.field is None:
            return []
        if error := self._filter_error or self._match_error:
            return complaint_lines(error, width)
        if not self._input.value:
            return [empty_field_line(self.NOUN, self._settings.filters, width)]
        words = self._options.filter.understood
        return [
            meaning_line(
                words,
                self.NOUN,
                self._unfinished,
                width,
            )
        ]

    def _typed_filter(self) -> TypedFilter:
        field = self._input
        words = hint_words(self._fix(), field.candidates())
        if not field.value:
            words = self.SPEC.filter_example
        return TypedFilter(
            field.value,
            field.cursor,
            words,
            self.match_counts(),
            self.NOUN,
        )

    def complaint(self) -> str:
        """Return why a filter is not applied, while its field is closed."""
        error = self._filter_error or self._match_error
        return refusal(error) if error and self.field is None else ""

    def footer_actions(self) -> tuple[Action, ...]:
        if self.field is None:
            return super().footer_actions()
        help_action = self._settings.keymap.beside_text("help")
        return (*FILTER_FIELD, help_action) if help_action else FILTER_FIELD

    # The field.

    @property
    def field(self) -> FilterEditor | None:
        return self._input if self._is_open else None

    def typed(self) -> None:
        """Apply what was typed, unless its last word may still become the key of a term."""
        text = self._input.value
        self._unfinished = unfinished_key(text, self.SPEC.vocabulary().names)
        if self._unfinished:
            self._filter_error = None
            self.show_frame()
        else:
            self._set_filter(text)

    def open_filter(self) -> None:
        self._is_open = True
        self._input.action_end()
        self.show_frame()

    async def action_clear(self) -> None:
        """Leave the field, and remove the filter."""
        self._leave_field()
        self.filter_by("")

    def action_complete(self) -> None:
        """Complete, as the key does in the field."""
        self._input.action_complete()
        self.typed()

    def action_earlier(self) -> None:
        """Bring back an earlier filter, as the key does in the field."""
        self._input.action_earlier()
        self.typed()

    def accept_filter(self) -> bool:
        """Enter in the field: keep the filter if it can be read. False if the field is closed."""
        if self.field is None:
            return False
        self._set_filter(self._input.value)
        if self._filter_error is None:
            self._leave_field()
            self.app.post_message(FilterKept(self._input.value))
            self.show_frame()
        return True

    @property
    def filter_text(self) -> str:
        """The filter in force."""
        return self._options.filter.text

    def narrow(self, text: str) -> None:
        """Show only what belongs to the sessions that match, if the filter here is of sessions."""
        if self.SPEC.is_of_sessions:
            self.filter_by(text)

    def filter_by(self, text: str) -> None:
        """Show only the rows that match `text`, in the filter language."""
        self._input.value = text
        self._set_filter(text)

    @property
    def is_filtered(self) -> bool:
        """True if Esc has a filter or a field to leave."""
        has_text = bool(self._options.filter.text or self._match_error)
        return has_text or self.field is not None

    def _set_filter(self, text: str) -> None:
        """Apply the filter if it can be read; else keep the last one and show the error."""
        self._unfinished = ""
        try:
            new_filter = self._parse(text)
        except FilterError as error:
            self._filter_error = error
            new_filter = self._still_in_force(text)
        else:
            self._filter_error = None
        if new_filter != self._options.filter:
            self.apply(self._options._replace(filter=new_filter))
            self.filter_changed()
        self.show_frame()

    def _parse(self, text: str) -> Filter:
        return self.SPEC.filter(text, self._settings.filters)

    def _still_in_force(self, text: str) -> Filter:
        """Return the filter that stays in force while `text` cannot be read."""
        current = self._options.filter
        try:
            return self._parse(without_fragment(current.text, text))
        except FilterError:  # a `not` or an `or` has lost its only word
            return current

    def _leave_field(self) -> None:
        self._is_open = False
        self._filter_error = None

    # Completion and earlier filters.

    def _completion(self, text: str) -> Completion:
        """Return what may stand at the end of a text; each frame shows it, and few change it."""
        last = self._completed
        if last is None or last.text != text or last.rows is not self.state.derived:
            last = _Completed(text, self.state.derived, self._complete(text))
            self._completed = last
        return last.completion

    def _complete(self, text: str) -> Completion:
        from pgtop.table.language.completion import completion

        return completion(
            text,
            self.SPEC.vocabulary(),
            self.values_of,
            self._settings.filters,
        )

    def _fix(self) -> Fix | None:
        return self._filter_error.fix if self._filter_error else None

    def _earlier(self) -> Sequence[str]:
        return self.earlier


def _show(widget: Lines, lines: Sequence[Line]) -> None:
    """Show lines in a widget that is as high as they are."""
    # Textual looks at all styles whenever one changes.
    if len(lines) != widget.line_count:
        widget.display = bool(lines)
        widget.styles.height = max(1, len(lines))
    widget.show(lines)
