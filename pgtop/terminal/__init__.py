"""The terminal: what it shows, what it should show, and the fewest bytes between the two.

A frame (text that Textual wrote) is put on a `Canvas`; a `Painter`, which knows what the terminal
shows, turns the difference into bytes; a `Writer` sends them. Only text, positions and known styles
get through.
"""
