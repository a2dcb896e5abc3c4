import threading

import pytest

from backend.cancel import NEVER, CancelSource, CancelToken
from backend.errors import LeaseLost, MicroModelsError, TrainingInterrupted


def refuse() -> None:
    raise LeaseLost("another worker has it")


def test_a_token_without_conditions_ends_nothing() -> None:
    NEVER.check()
    CancelToken().also().check()


def test_whoever_asks_after_it_was_cancelled_gets_the_reason_every_time() -> None:
    source = CancelSource()
    source.check()
    assert not source.cancelled
    source.cancel("the worker stops")
    assert source.cancelled
    for _ in range(2):
        with pytest.raises(TrainingInterrupted, match="the worker stops"):
            source.check()


def test_the_error_is_the_one_that_it_was_cancelled_with() -> None:
    source = CancelSource()
    source.cancel("the lease is lost", LeaseLost)
    with pytest.raises(LeaseLost, match="the lease is lost"):
        source.check()


def test_a_token_of_several_ends_for_the_first_reason_that_holds() -> None:
    stop = CancelSource()
    token = stop.also(refuse)
    with pytest.raises(LeaseLost):
        token.check()
    stop.cancel("the worker stops")
    with pytest.raises(TrainingInterrupted):
        token.check()
    with pytest.raises(MicroModelsError):
        CancelToken(stop.check, refuse).check()


def test_a_wait_ends_when_it_is_cancelled() -> None:
    source = CancelSource()
    assert not source.wait(0.01)
    threading.Timer(0.05, source.cancel, ["enough"]).start()
    assert source.wait(30)
