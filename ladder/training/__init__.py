"""Training: optimiser, main loop, and the extensions around it."""
