"""`pgtop cancel` and `pgtop kill`."""
