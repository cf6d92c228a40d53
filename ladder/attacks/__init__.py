"""What a trained network does under attack, and pictures of it."""
