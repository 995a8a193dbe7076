"""The place in a text of which not all has room."""


class TextPlace:
    """The first line in sight. A dialog moves it as it would move a list's cursor."""

    def __init__(self) -> None:
        self.top = 0
        self.page = 1
        self.count = 0
        """Lines of a text that scrolls; 0 if all of it has room."""

    def move(self, rows: int) -> None:
        """Move the view down (up, if negative)."""
        self.top = min(max(0, self.top + rows), max(0, self.count - self.page))

    def row_count(self) -> int:
        """Return the number of lines."""
        return self.count
