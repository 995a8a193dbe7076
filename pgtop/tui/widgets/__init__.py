"""Widgets draw finished lines and say what the user did. They know no source, no connection and no
sibling.
"""
