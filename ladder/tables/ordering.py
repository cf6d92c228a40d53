"""Names in the order in which a person counts."""

import re


def numbers_in_order(text):
    """A key to sort by: a2 goes before a10."""
    # Texts and digits take turns, so that only like is compared with like.
    return [int(part) if i % 2 else part for i, part in enumerate(re.split(r"([0-9]+)", text))]
