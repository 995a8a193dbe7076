"""The actions that lead into the past, through it, and back; and the one that keeps it."""

from pgtop.actions.action import Action, Group

PAST_ACTIONS: tuple[Action, ...] = (
    Action(
        "step_back",
        ("left_square_bracket",),
        "the past: a sample back",
        Group.GO,
        "past",
    ),
    Action(
        "step_forward",
        ("right_square_bracket",),
        "the past: a sample forward",
        Group.GO,
    ),
    Action(
        "minute_back",
        ("left_curly_bracket",),
        "the past: a minute back",
        Group.GO,
    ),
    Action(
        "minute_forward",
        ("right_curly_bracket",),
        "the past: a minute forward",
        Group.GO,
    ),
    Action(
        "event_back",
        ("left_parenthesis",),
        "the past: to the event before",
        Group.GO,
        brief="event before",
    ),
    Action(
        "event_forward",
        ("right_parenthesis",),
        "the past: to the next event",
        Group.GO,
        brief="next event",
    ),
    Action(
        "now",
        ("end",),
        "in the past: back to now",
        Group.GO,
        "now",
        brief="past: to now",
    ),
    Action(
        "record",
        ("R",),
        "record what is sampled into a file, or stop",
        Group.LOOK,
        "record",
        brief="record, stop",
    ),
)
