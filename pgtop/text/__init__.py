"""Text for a terminal: cleaned, measured in cells, wrapped, shortened, redacted."""
