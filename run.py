#!/usr/bin/env python
"""Entry point: ``python run.py --help``."""

import os
import signal
import sys

if __name__ == "__main__":
    interrupt = signal.getsignal(signal.SIGINT)
    if interrupt is signal.default_int_handler:
        # During imports no work has begun, and a traceback would be of no use.
        signal.signal(signal.SIGINT, lambda number, frame: os._exit(130))
    from ladder.backends import check

    if sys.platform == "win32":  # where the rest cannot even be imported
        sys.exit(check.main())
    from ladder.cli import main

    signal.signal(signal.SIGINT, interrupt)
    sys.exit(main())
