"""PgBouncer's console, read-only: SHOW is the only command that is ever sent."""
