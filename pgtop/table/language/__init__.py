"""The language of `/`, `--filter`, `--protect` and `pgtop kill`.

    filter      = conjunction {"or" conjunction}
    conjunction = term {["and"] term}
    term        = ["not" | "-" | "!"] ("(" filter ")" | comparison | text | number)
    comparison  = key operator value {"," value}
    text        = word | "…" | '…'

A filter either selects what a reader expects of it, or is refused at the ambiguous character.
"""
