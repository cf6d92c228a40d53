"""Natural sorting of names."""

import re


def numbers_in_order(text):
    """A sort key that puts a2 before a10."""
    # Text and digits alternate, so only like is compared with like.
    return [int(part) if i % 2 else part for i, part in enumerate(re.split(r"([0-9]+)", text))]
