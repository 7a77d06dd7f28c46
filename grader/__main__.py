"""``python -m grader``: the command of :mod:`grader.grade`."""

import sys

from grader.grade import main

sys.exit(main())
