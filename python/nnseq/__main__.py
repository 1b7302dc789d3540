"""`python -m nnseq`: the version, and where C++ finds the library of an installed nnseq.

cmake -Dnnseq_DIR=$(python -m nnseq --cmake-dir) ...
c++ -I $(python -m nnseq --include-dir) ...
"""

import argparse
from pathlib import Path

from nnseq import __version__

PACKAGE = Path(__file__).parent


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m nnseq", description=__doc__.split("\n")[0])
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--version", action="version", version=f"nnseq {__version__}")
    what.add_argument("--cmake-dir", action="store_const", const="cmake", dest="folder")
    what.add_argument("--include-dir", action="store_const", const="include", dest="folder")
    folder = PACKAGE / parser.parse_args().folder
    if not folder.is_dir():
        parser.exit(1, f"nnseq: {folder} is there in an installed wheel only\n")
    print(folder)


if __name__ == "__main__":
    main()
