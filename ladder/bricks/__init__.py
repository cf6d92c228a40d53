"""Symbolic pieces: plain functions from Aesara variables to Aesara variables.

Those in ``__all__`` also exist in :mod:`ladder.fused`, with the same arguments and results.
"""

from ladder.bricks.convolution import convolve, deconvolve
from ladder.bricks.decoder import denoise
from ladder.bricks.dense import dense
from ladder.bricks.encoder import encode
from ladder.bricks.max_norm import within_norm
from ladder.bricks.optimiser import optimiser_step, sum_of_squares
from ladder.bricks.penalties import penalised, sum_of_absolutes
from ladder.bricks.pooling import max_pool, mean_pool, unpool

__all__ = [
    "convolve",
    "deconvolve",
    "denoise",
    "dense",
    "encode",
    "max_pool",
    "mean_pool",
    "optimiser_step",
    "penalised",
    "sum_of_absolutes",
    "sum_of_squares",
    "unpool",
    "within_norm",
]
