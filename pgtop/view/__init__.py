"""Lines of text and tones, made from snapshots and rows by pure functions; all text is clean.

No colours, no widgets: a cell has a tone and the theme picks its colour.
"""
