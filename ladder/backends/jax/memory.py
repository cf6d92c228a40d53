"""Errors of a device that has too little memory, in plain words."""

from contextlib import contextmanager

import jax

from ladder.errors import UserError


@contextmanager
def advised(advice):
    """Raise UserError with this advice (what to do, in words) if the device has too little memory in this context."""
    try:
        yield
    except jax.errors.JaxRuntimeError as error:
        if "RESOURCE_EXHAUSTED" not in str(error):
            raise
        raise UserError(f"the {jax.default_backend()} has too little memory for this: {advice}") from None
