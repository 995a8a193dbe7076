"""Immutable facts about one instant of one server. Standard library only, nothing computed, nothing
cleaned.

Every text here is as the server sent it, and therefore hostile: all output to a terminal passes
through `pgtop.text.clean`.
"""
