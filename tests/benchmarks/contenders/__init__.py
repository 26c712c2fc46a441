"""Three ways to edit many clips, each in a process of its own, and recut itself."""
