"""The folder of a run: its files, its checkpoints, and the lock on it."""
