"""pgtop: a live session monitor for PostgreSQL that never signals the wrong session."""

__version__ = "0.1.0"
