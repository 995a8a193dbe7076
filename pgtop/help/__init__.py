"""The reference documentation: topics in Markdown, shown by `pgtop help TOPIC` and in the man page.

This package knows the texts and how they are laid out. The tables in them come from the caller,
which makes them from the declarations of the program.
"""
