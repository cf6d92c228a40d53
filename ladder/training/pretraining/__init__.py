"""The first of two phases: learning from the examples alone, stage by stage, and the resulting encoder.

``autoencoder`` and ``machine`` define the updates of a stage, ``stage`` trains one, ``stacks`` one on top of the other;
``codes`` computes what a layer makes of the examples, from which the next one learns; ``folder`` stores all that, and
``starting`` is what training on the labels takes from it.
"""
