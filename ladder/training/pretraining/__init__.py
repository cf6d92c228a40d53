"""The first of two phases: what learns from the examples alone, stage by stage, and the encoder that it leaves.

``autoencoder`` and ``machine`` have the updates of a stage, ``stage`` trains one, ``stacks`` one upon the other; ``codes`` are what a layer
makes of the examples, from which the next one learns; ``folder`` is where all that is kept, and ``starting`` what
training on the labels takes from it.
"""
