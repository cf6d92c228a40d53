"""Sweeps: the runs of one grid or random search, spread over the processes of one machine, or over many machines.

A sweep is a folder of runs, all of which are begun before the first is trained;
to work on it is to continue those that have something left to train.  What is
done, running or left is therefore recorded in the runs' folders alone, and
processes that know nothing of each other can work on one sweep.
"""
