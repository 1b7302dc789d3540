"""`python -m nnseq`: the command line, see `nnseq.command_line`."""

import sys

from nnseq.command_line import main

if __name__ == "__main__":
    sys.exit(main())
