"""Conversion from a data set's own format to the HDF5 file that training reads.

There is one module per data set or kind of input, with one public function
``convert_…`` that writes one file and returns its path.  The other modules hold
what these share.
"""
