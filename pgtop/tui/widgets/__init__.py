"""Widgets draw finished lines and post what the user does. They know no source."""
