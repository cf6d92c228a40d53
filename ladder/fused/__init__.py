"""Operations in C that do the work of many graph nodes, each with its gradient.

``encode`` and ``denoise`` stand for those of
:mod:`ladder.bricks`.  The readable graph (``--plain-graph``) stays the
reference; tests hold one against the other.
"""

from ladder.fused.decoder import denoise
from ladder.fused.encoder import encode

__all__ = ["denoise", "encode"]
