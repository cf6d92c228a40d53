"""Pages and pictures of runs: what was trained, how it learnt, what it gets wrong."""
