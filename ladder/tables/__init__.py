"""Published experiments as presets, and tables that compare our runs with the published numbers."""
