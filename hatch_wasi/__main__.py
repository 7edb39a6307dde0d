"""`python -m hatch_wasi` is the command line."""

import sys

from hatch_wasi.cli import main

if __name__ == "__main__":
    sys.exit(main())
