"""What pgtop asks a server: one module for each kind of question, with its SQL and its reader."""
