"""Operations in C that do the work of many graph nodes, each with its gradient.

The readable graph (``--plain-graph``) stays the reference; tests hold one
against the other.
"""
