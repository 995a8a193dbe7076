"""Watching one server: polling it, its latest state, and the clock."""
