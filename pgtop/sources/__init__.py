"""Sources of snapshots: the only rooms that use a driver."""
