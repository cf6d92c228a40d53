"""Symbolic pieces: plain functions from Aesara variables to Aesara variables.

``encode`` and ``denoise`` are what :mod:`ladder.fused` has
too, with the same arguments and results.
"""

from ladder.bricks.decoder import denoise
from ladder.bricks.encoder import encode

__all__ = ["denoise", "encode"]
