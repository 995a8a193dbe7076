"""What was asked to see: a snapshot and a query make a table. Pure functions; every text leaves
here cleaned.

No colours, no widgets: a cell has a tone and the theme picks its colour.
"""
