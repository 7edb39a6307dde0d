"""`python -m hatch_wasi` is the command line."""

import os
import sys

if __name__ == "__main__":
    # Python looks into the working folder first (-P says otherwise), and files of others may be there.
    if not sys.flags.safe_path and not __file__.startswith(os.path.join(sys.path[0], "")):  # noqa: PTH118
        del sys.path[0]

    from hatch_wasi.cli import main

    sys.exit(main())
