"""Watching runs while they train, from the files in their folders."""
