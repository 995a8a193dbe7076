"""The language of `/`, `--filter`, `--protect` and `pgtop kill`: its keys, its parser, its tests
and its sentence.

    filter      = conjunction {"or" conjunction}
    conjunction = term {["and"] term}
    term        = ["not" | "-" | "!"] ("(" filter ")" | comparison | text | number)
    comparison  = key operator value {"," value}
    text        = word | "…" | '…'

A filter selects what its reader would take it to say, or it is refused at the character in doubt.
"""
