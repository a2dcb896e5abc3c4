"""A machine whose wall clock is wrong by SKEW_SECONDS: Python runs this at the start of a process that has it on its
path."""

import os
import time

_right = time.time
_skew = float(os.environ["SKEW_SECONDS"])
time.time = lambda: _right() + _skew
