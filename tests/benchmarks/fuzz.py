"""What /health takes while nonsense is sent: `python -m tests.benchmarks.fuzz [calls]`; 22,000 where none is given.

A server of its own, over real sockets, with four senders. The goal is a p99 below 0.25 s, no 5xx and no traceback.
"""

import sys
import tempfile
import threading
from collections import Counter
from pathlib import Path

from tests.loop.house import House
from tests.web.test_connections import Served
from tests.web.test_fuzz import asking, sender

SENDERS = 4


def main(calls: int) -> None:
    """Send, ask meanwhile, and print both."""
    with tempfile.TemporaryDirectory() as folder:
        house = House(Path(folder))
        answers: Counter[int] = Counter()
        with Served(house) as served, asking(served) as seconds:
            threads = [
                threading.Thread(target=sender, args=(served, seed, answers, calls // SENDERS))
                for seed in range(SENDERS)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        house.registry.close()
    seconds.sort()
    p50, p99 = (seconds[int(len(seconds) * share)] for share in (0.5, 0.99))
    print(f"{answers.total()} calls: {dict(sorted(answers.items()))}")
    print(f"/health {len(seconds)} times meanwhile: p50 {p50:.3f} s, p99 {p99:.3f} s, longest {seconds[-1]:.3f} s")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 22_000)
