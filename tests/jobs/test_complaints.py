"""What goes wrong again and again is said once, and ends no thread."""

import sys
from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from backend.errors import RegistryUnavailable
from backend.jobs.complaints import Complaints


@pytest.fixture
def said() -> Iterator[list[dict[str, object]]]:
    with capture_logs() as lines:
        yield lines  # type: ignore[misc]


def fail(complaints: Complaints, error: BaseException, what: str = "the reconciler") -> None:
    with complaints.about(what):
        raise error


def test_the_same_trouble_is_said_once_a_new_one_again_and_its_end(said: list[dict[str, object]]) -> None:
    complaints = Complaints()
    for _ in range(3):
        fail(complaints, RegistryUnavailable("the disk is full"))
    fail(complaints, RegistryUnavailable("locked"))
    for _ in range(2):
        with complaints.about("the reconciler"):
            pass
    assert [line.get("why") or line["event"] for line in said] == ["the disk is full", "locked", "it works again"]
    assert said[0]["exc_info"] is None  # expected: no traceback


@pytest.mark.parametrize("error", [ValueError("x"), MemoryError(), RecursionError(), SystemExit(1), KeyError("y")])
def test_nothing_gets_through(error: BaseException, said: list[dict[str, object]]) -> None:
    complaints = Complaints()
    fail(complaints, error)
    assert said[0]["exc_info"] is error
    assert str(complaints.newest).startswith(f"the reconciler: {type(error).__name__}")


def test_the_newest_is_that_which_still_goes_on() -> None:
    complaints = Complaints()
    fail(complaints, ValueError("a"), "one")
    fail(complaints, ValueError("b"), "other")
    assert complaints.newest == "other: ValueError: b"
    with complaints.about("other"):
        pass
    assert complaints.newest == "one: ValueError: a"
    with complaints.about("one"):
        pass
    assert complaints.newest is None
    assert sys.exc_info() == (None, None, None)
