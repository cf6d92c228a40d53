#!/usr/bin/env python
"""Front door: ``python run.py --help``."""

import sys

from ladder.cli import main

if __name__ == "__main__":
    sys.exit(main())
