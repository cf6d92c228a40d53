"""Pages and pictures: of runs, of the network, of the ideas behind it."""
