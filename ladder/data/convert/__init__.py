"""From a data set's own format to the HDF5 file that training reads.

A module per data set or kind of input, with one public function ``convert_…``
that writes one file and returns its path, and what several of them share.
"""
