"""The colours of what Textual composes itself: fields and frames."""

from rich.color import Color
from textual.theme import Theme

from pgtop.tui.theme import Palette

_TERMINAL = "ansi_default"


def textual_theme(palette: Palette) -> Theme:
    """Return the theme that goes with the palette's styles.

    `$alarm-frame`, `$warn-frame` and `$quiet-frame` are the frames of dialogs.
    """
    scheme = palette.styles.scheme
    text, ground = _text_and_ground(scheme.ground)
    alarm = _css(scheme.alarm_frame, text)
    warn = _css(scheme.warn_frame, text)
    return Theme(
        f"pgtop {scheme.name}",
        ansi=ground == _TERMINAL,
        dark=not scheme.is_light,
        primary=text,
        secondary=text,
        accent=text,
        success=text,
        warning=warn,
        error=alarm,
        foreground=text,
        background=ground,
        surface=ground,
        panel=ground,
        boost=ground,
        variables={
            "alarm-frame": alarm,
            "warn-frame": warn,
            "quiet-frame": _css(scheme.quiet_frame, text),
            **_selections(text, ground),
        },
    )


def _selections(text: str, ground: str) -> dict[str, str]:
    """Return the colours of the cursor of a field, and of what is selected in it."""
    if ground == _TERMINAL:
        selected, behind = "ansi_black", "ansi_cyan"
    else:
        selected, behind = ground, text
    return {
        "input-cursor-foreground": text,
        "input-cursor-background": ground,
        "input-cursor-text-style": "reverse",
        "input-selection-foreground": selected,
        "input-selection-background": behind,
        "ansi-foreground": text,
        "ansi-background": ground,
        "border": text,
        "border-blurred": text,
    }


def _text_and_ground(words: str) -> tuple[str, str]:
    if not words:
        return _TERMINAL, _TERMINAL
    text, _, ground = words.partition(" on ")
    return _css(text, _TERMINAL), _css(ground, _TERMINAL)


def _css(color: str, otherwise: str) -> str:
    """Return a colour as Textual writes it."""
    if not color:
        return otherwise
    if color.startswith("color("):
        return Color.parse(color).get_truecolor().hex
    return color if color.startswith("#") else f"ansi_{color}"
