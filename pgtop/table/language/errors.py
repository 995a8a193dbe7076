"""The one error of the language."""


class FilterError(ValueError):
    """A filter that cannot be read, or takes too long.

    `message` contains the remedy, `position` counts the filter's characters from 0, and str() shows
    both.
    """

    def __init__(self, message: str, position: int) -> None:
        super().__init__(f"character {position + 1}: {message}")
        self.message = message
        self.position = position
