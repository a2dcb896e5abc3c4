import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.studio.validators import Validators


@pytest.mark.parametrize(
    ("one", "two", "differ"),
    [
        (Validators(), Validators(), False),
        (Validators(etag='"a"'), Validators(etag='"a"'), False),
        (Validators(etag='"a"'), Validators(etag='"b"'), True),
        (Validators(etag='W/"a"', size=1), Validators(etag='"a"', size=2), False),
        (Validators(etag='"a"', size=1), Validators(size=1), False),
        (Validators(etag='"a"', size=1), Validators(size=2), True),
        (Validators(modified="Mon", size=1), Validators(modified="Tue", size=1), True),
        (Validators(modified="Mon"), Validators(size=1), False),
        (Validators(size=0), Validators(size=1), True),
    ],
)
def test_what_tells_contents_apart(one: Validators, two: Validators, differ: bool) -> None:
    assert one.differ(two) == two.differ(one) == differ


def test_of_an_answer_and_back_in_a_question() -> None:
    answer = httpx.Response(200, headers={"ETag": '"x"', "Last-Modified": "Mon", "Content-Length": "7"})
    assert Validators.of(answer) == Validators('"x"', "Mon", 7)
    assert Validators.of(answer).headers() == {"If-None-Match": '"x"'}
    assert Validators(modified="Mon").headers() == {"If-Modified-Since": "Mon"}
    assert Validators.of(httpx.Response(206, headers={"Content-Length": "7"})).size is None
    assert Validators.of(answer, 9).size == 9


@given(st.builds(Validators, st.text(), st.text(), st.none() | st.integers(0), st.text()))
def test_written_and_read(validators: Validators) -> None:
    assert Validators.load(validators.dump()) == validators


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"x": 1}', b"\xff"])
def test_a_damaged_note_knows_nothing(content: bytes) -> None:
    assert Validators.load(content) == Validators()
