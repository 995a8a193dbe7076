"""A PostgreSQL of our own with a living world in it, to try pgtop on and to test it against."""
