import threading

import pytest

from backend.cancel import CancelToken
from backend.errors import TrainingInterrupted
from backend.studio.room import MemoryBudget


def test_no_more_than_the_limit_at_once() -> None:
    budget, lock, held, most = MemoryBudget(10), threading.Lock(), [0], [0]

    def work() -> None:
        with budget.reserve(4):
            with lock:
                held[0] += 4
                most[0] = max(most[0], held[0])
            with lock:
                held[0] -= 4

    threads = [threading.Thread(target=work) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert held == [0]
    assert 4 <= most[0] <= 10


def test_what_is_larger_than_all_is_let_in_alone() -> None:
    budget = MemoryBudget(10)
    with budget.reserve(100):
        pass
    with budget.reserve(1), pytest.raises(TrainingInterrupted), budget.reserve(100, cancel=CancelToken(_stop)):
        pass
    with budget.reserve(100):
        pass


def test_an_error_inside_gives_the_room_back() -> None:
    budget = MemoryBudget(10)
    with pytest.raises(ValueError, match="odd"), budget.reserve(10):
        raise ValueError("odd")
    with budget.reserve(10):
        pass


def _stop() -> None:
    raise TrainingInterrupted("stop")
