"""Recordings: a file with the samples of one server, for replay, comparison and report.

The file is a SQLite database. `codec` turns samples into blocks of compressed changes and back;
`file_format` has the tables; `writer` and `reader` are the two users of the file.
"""
