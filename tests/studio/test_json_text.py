import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.studio import json_text

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**200), 2**200)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def said(value: object) -> object:
    """What is left of a value: a zero character cannot be stored."""
    return json.loads(json.dumps(value).replace("\\u0000", "\\ufffd"))


@given(VALUES, st.booleans())
def test_what_json_can_say_is_read_as_python_reads_it(value: object, ascii: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii)
    if "\\\\u0000" not in text:
        assert json_text.parse(text.encode()) == said(value)


@given(st.binary(max_size=200))
def test_whatever_comes_is_a_value_or_a_reason(raw: bytes) -> None:
    try:
        value = json_text.parse(raw)
    except ValueError:
        return
    json.dumps(value, allow_nan=False).encode()


@given(st.binary(max_size=60).map(lambda b: b'"' + b.replace(b'"', b"\\u0000\\ud800") + b'"'))
def test_what_comes_out_can_always_be_stored(raw: bytes) -> None:
    try:
        text = json_text.parse(raw)
    except ValueError:
        return
    assert "\x00" not in text
    text.encode()


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (rb'"\ud800"', "�"),
        (rb'"\udc00\ud800"', "��"),
        (rb'"\ud83d\ude00"', "😀"),
        (rb'"\ud83d\ud83d\ude00"', "�😀"),
        (rb'"a\u0000b"', "a�b"),
        (rb'"a\\u0000b"', "a\\u0000b"),
        (rb'"\\\u0000"', "\\�"),
        (rb'"\\ud800"', "\\ud800"),
    ],
)
def test_characters_that_no_database_takes_cost_themselves_alone(raw: bytes, text: str) -> None:
    assert json_text.parse(raw) == text


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"\x00", b"\xff\xfe{\x00}\x00", b'"\xff"', b'"\xed\xa0\x80"', b"\x1f\x8b\x08\x00", b"\xef\xbb\xbf{}",
        b"NaN", b"[Infinity]", b"-Infinity", b"1e999999", b'{"a": [1e400]}', b"-1.5E+9999", b"9" * 5000, b"9" * 400,
        b"9" * 400 + b".0",
        b"[" * 300 + b"]" * 300, b'{"a":' * 900 + b"1" + b"}" * 900, b"[" * 100_000, b"{", b"[1,]", b"{} {}",
        b"[" + b"[]," * (json_text.MOST_CONTAINERS + 1) + b"1]",
    ],
    ids=lambda raw: repr(raw[:12]),
)  # fmt: skip
def test_what_is_none_is_refused_with_a_reason(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        json_text.parse(raw)


def test_a_nesting_of_regions_in_tasks_in_a_project_is_far_from_the_limit() -> None:
    assert json_text.parse(b"[" * 100 + b"]" * 100)
    assert json_text.parse(b"1e308") == 1e308
