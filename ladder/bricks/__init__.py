"""Symbolic pieces: plain functions from Aesara variables to Aesara variables."""
