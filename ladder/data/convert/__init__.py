"""From a data set's own format to the HDF5 file that training reads.

One module a data set, each with one public ``convert_NAME`` function that
writes one file and returns its path.
"""
