"""Sweeps: many runs of one grid or random search, spread over processes of one machine, or over many.

A sweep is a folder of runs, all of which are begun before the first is trained;
to work on it is to go on with those that have something left to train.  So what
is done, running or left stands in the folders of the runs alone, and processes
that know nothing of each other can work on one sweep.
"""
