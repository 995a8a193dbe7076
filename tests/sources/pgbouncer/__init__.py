"""Tests of the readings of PgBouncer."""
