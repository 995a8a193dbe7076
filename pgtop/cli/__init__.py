"""The front door: words in, words and exit codes out. Loads no driver and no Textual before it
must.
"""
