"""Settings, and how they are declared."""
