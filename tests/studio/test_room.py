import threading

import pytest

from backend.cancel import CancelToken
from backend.errors import TrainingInterrupted
from backend.studio.room import Room


def test_no_more_than_the_limit_at_once() -> None:
    room, lock, held, most = Room(10), threading.Lock(), [0], [0]

    def work() -> None:
        with room.taken(4):
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
    room = Room(10)
    with room.taken(100):
        pass
    with room.taken(1), pytest.raises(TrainingInterrupted), room.taken(100, cancel=CancelToken(_stop)):
        pass
    with room.taken(100):
        pass


def test_an_error_inside_gives_the_room_back() -> None:
    room = Room(10)
    with pytest.raises(ValueError, match="odd"), room.taken(10):
        raise ValueError("odd")
    with room.taken(10):
        pass


def _stop() -> None:
    raise TrainingInterrupted("stop")
