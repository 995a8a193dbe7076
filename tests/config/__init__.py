"""The configuration: scanner, layers, checks, and what is made from the declarations."""
