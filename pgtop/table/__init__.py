"""Rows and columns: which rows a filter selects, how they are sorted, and how wide each column
is.
"""
