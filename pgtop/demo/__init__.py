"""A PostgreSQL server of pgtop's own with a live workload, to try pgtop on and to test it with."""
