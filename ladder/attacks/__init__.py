"""Attacks on a trained network, the errors they cause, and pictures of them."""
