"""Published experiments as presets, and tables of our runs beside the published numbers."""
