"""Rivals of a ladder network, fitted to the same data."""
