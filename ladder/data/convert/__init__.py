"""From a data set's own format to the HDF5 file that training reads.

One module per data set, each with one public function ``convert_NAME`` that
writes one file and returns its path.
"""
