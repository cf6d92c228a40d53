"""What a symbolic variable carries: its role, its name, its updates."""
