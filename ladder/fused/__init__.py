"""Operations in C that each do the work of many graph nodes; those that costs pass through have gradients.

They replace the functions of the same names in :mod:`ladder.bricks`.  The
readable graph (``--plain-graph``) remains the reference; tests compare one with
the other.
"""

from ladder.fused.convolution import convolve, deconvolve
from ladder.fused.decoder import denoise
from ladder.fused.dense import dense
from ladder.fused.encoder import encode
from ladder.fused.max_norm import within_norm
from ladder.fused.optimiser import optimiser_step, sum_of_squares
from ladder.fused.penalties import penalised, sum_of_absolutes
from ladder.fused.pooling import max_pool, mean_pool, unpool

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
