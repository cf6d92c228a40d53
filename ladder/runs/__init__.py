"""The folder of a run: its files, its checkpoints, and who may write there."""
