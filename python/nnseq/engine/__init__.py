"""Values, traces, tapes and operations: the seam between Python and the core."""
