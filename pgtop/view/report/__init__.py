"""The report of an incident: `contents` chooses the words, `markdown` and `html` write them."""
