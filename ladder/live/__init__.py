"""Runs as they are while they train, from what is in their folders."""
