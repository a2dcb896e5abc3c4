import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_registry import ModelCache


def test_hit_and_miss() -> None:
    cache = ModelCache[str](10)
    assert [cache.get("a", lambda: ("A", 4)) for _ in range(3)] == ["A"] * 3
    assert (cache.hits, cache.misses, cache.nbytes) == (2, 1, 4)


def test_larger_than_the_cache_is_returned_but_not_kept() -> None:
    cache = ModelCache[str](10)
    cache.get("small", lambda: ("s", 10))
    assert cache.get("big", lambda: ("B", 11)) == "B"
    assert cache.nbytes == 10
    cache.get("small", lambda: pytest.fail("dropped"))


def test_an_error_is_not_kept() -> None:
    cache = ModelCache[str](10)
    with pytest.raises(ZeroDivisionError):
        cache.get("a", lambda: ("", 1 // 0))
    assert cache.get("a", lambda: ("A", 1)) == "A"


@given(st.integers(0, 20), st.lists(st.tuples(st.integers(0, 5), st.integers(0, 12)), max_size=40))
def test_keeps_the_last_used_within_the_limit(limit: int, asked: list[tuple[int, int]]) -> None:
    cache = ModelCache[tuple[int, int]](limit)
    kept: list[tuple[int, int]] = []  # last used last
    for key, size in asked:
        known = next((entry for entry in kept if entry[0] == key), None)
        value = cache.get(key, partial(lambda *fresh: (fresh, fresh[1]), key, size))
        assert value == (known or (key, size))
        if known:
            kept.remove(known)
        if value[1] <= limit:
            kept.append(value)
        while sum(entry[1] for entry in kept) > limit:
            kept.pop(0)
        assert cache.nbytes == sum(entry[1] for entry in kept) <= limit
    assert cache.hits + cache.misses == len(asked)


@pytest.mark.parametrize("fails", [False, True])
def test_threads_that_ask_at_once_load_once(fails: bool) -> None:
    cache = ModelCache[str](10)
    loading, waiting = threading.Event(), threading.Event()
    calls: list[int] = []

    def load() -> tuple[str, int]:
        calls.append(1)
        loading.set()
        assert waiting.wait(5)
        if fails:
            raise OSError("gone")
        return "A", 1

    def ask() -> str:
        return cache.get("a", load)

    with ThreadPoolExecutor(8) as pool:
        first = pool.submit(ask)
        assert loading.wait(5)
        assert cache.get("other", lambda: ("B", 1)) == "B"  # others do not wait for it
        rest = [pool.submit(ask) for _ in range(7)]
        while cache.hits < 7:
            pass
        waiting.set()
        for future in [first, *rest]:
            if fails:
                assert isinstance(future.exception(), OSError)
            else:
                assert future.result() == "A"
    assert len(calls) == 1
