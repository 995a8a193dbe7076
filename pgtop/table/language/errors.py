"""The one error of the language."""


class FilterError(ValueError):
    """A filter that cannot be read, or takes too long.

    `message` says what is right, `position` counts characters of the filter from 0, and str() says
    both.
    """

    def __init__(self, message: str, position: int) -> None:
        super().__init__(f"character {position + 1}: {message}")
        self.message = message
        self.position = position
