"""Where snapshots come from. The only rooms that speak a protocol."""
