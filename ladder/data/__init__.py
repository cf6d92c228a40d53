"""Data sets on disk, and the order in which their examples are read.

No module here imports Aesara, so data can be converted without a compiler.
"""

#: The target of an example without a label.
NO_LABEL = -1
