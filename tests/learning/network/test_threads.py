from collections.abc import Callable, Iterator

import pytest
import torch

from backend.learning.network.threads import RETRY_ITEMS, ThreadChoice, at_best_threads, use_threads


@pytest.fixture
def four_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    use_threads(4)
    yield
    use_threads(before)


def work(choice: ThreadChoice, items: int, seconds: Callable[[int], float]) -> list[int]:
    """The threads that each of so many items was worked on with."""
    used = []
    for _ in range(items):
        used.append(choice.threads)
        choice.took(seconds(choice.threads))
    return used


def quiet(threads: int) -> float:
    return 0.2 + 1 / threads


def crowded(free: int) -> Callable[[int], float]:
    """More threads than cores that are free wait for each other, the more the longer."""
    return lambda threads: quiet(threads) if threads <= free else 2.0 + threads


def test_zero_leaves_it_to_openmp(four_threads: None) -> None:
    use_threads(5)
    use_threads(0)
    assert torch.get_num_threads() == 5


def test_on_a_quiet_machine_all_threads_work_but_for_one_trial() -> None:
    used = work(ThreadChoice(2), 500, quiet)
    assert used.count(1) <= 6
    assert set(used[12:]) == {2}


@pytest.mark.parametrize(("most", "free"), [(2, 1), (4, 1), (4, 2), (8, 1), (6, 3)])
def test_beside_other_processes_as_many_threads_work_as_cores_are_free(most: int, free: int) -> None:
    used = work(ThreadChoice(most), 400, crowded(free))
    assert used[40:].count(free) > 0.8 * len(used[40:])


def test_what_comes_to_run_meanwhile_is_noticed_and_so_is_its_end() -> None:
    choice = ThreadChoice(2)
    work(choice, 50, quiet)
    assert work(choice, 30, crowded(1))[-1] == 1
    assert work(choice, RETRY_ITEMS + 20, quiet)[-1] == 2


def test_a_machine_that_is_slower_for_all_is_not_tried_again_and_again() -> None:
    choice = ThreadChoice(2)
    work(choice, 50, quiet)
    used = work(choice, 200, lambda threads: 10 * quiet(threads))
    assert set(used[30:]) == {2}


def test_single_pauses_change_nothing() -> None:
    choice = ThreadChoice(2)
    work(choice, 50, quiet)
    pauses = iter(range(10**6))
    assert set(work(choice, 200, lambda threads: 60.0 if next(pauses) % 7 == 0 else quiet(threads))) == {2}


def test_each_item_comes_once_in_order_and_the_number_is_as_before(four_threads: None) -> None:
    now = 0.0
    used = []

    def clock() -> float:
        return now

    for item in at_best_threads(range(200), clock):
        assert item == len(used)
        used.append(torch.get_num_threads())
        now += crowded(1)(used[-1])
    assert used.count(1) > 100
    assert torch.get_num_threads() == 4


def stopped_after(items: int) -> None:
    now = [0.0]
    for item in at_best_threads(range(200), lambda: now[0]):
        now[0] += crowded(1)(torch.get_num_threads())
        if item == items:
            assert torch.get_num_threads() == 1
            raise RuntimeError("stopped")


def test_what_ends_early_leaves_the_number_as_before(four_threads: None) -> None:
    with pytest.raises(RuntimeError, match="stopped"):
        stopped_after(30)
    assert torch.get_num_threads() == 4


@pytest.mark.parametrize("first_ends", [True, False])
def test_loops_that_take_turns_leave_the_number_as_before(four_threads: None, first_ends: bool) -> None:
    now = [0.0]

    def steps(loop: Iterator[int], count: int) -> None:
        for _, _ in zip(range(count), loop, strict=False):
            now[0] += crowded(1)(torch.get_num_threads())

    loops = [at_best_threads(range(200), lambda: now[0]) for _ in range(2)]
    steps(loops[0], 30)
    assert torch.get_num_threads() < 4
    steps(loops[1], 30)
    for loop in loops if first_ends else loops[::-1]:
        steps(loop, 300)
    assert torch.get_num_threads() == 4


def test_one_thread_stays_one() -> None:
    before = torch.get_num_threads()
    use_threads(1)
    try:
        assert [torch.get_num_threads() for _ in at_best_threads(range(100))] == [1] * 100
    finally:
        use_threads(before)
