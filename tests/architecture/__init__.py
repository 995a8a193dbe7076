"""Rules that hold for every file, and the tools that measure them."""
