"""Screens turn the state into lines for their widgets, and the user's wishes into messages for the
app.
"""
