"""The pure parts: figures in words, the curve."""

from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.loop.review.efficiency import RoundFigures
from backend.web.dashboard import formats
from backend.web.dashboard.chart import HEIGHT, WIDTH, chart


def test_none_is_a_dash() -> None:
    for show in (formats.percent, formats.score, formats.number, formats.seconds, formats.size):
        assert show(None) == formats.DASH


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0 %"), (1, "100 %"), (0.9999, "99.9 %"), (0.955, "95.5 %"), (1 / 3, "33.3 %"), (-0.5, "-50 %")],
)
def test_percent_is_never_more_than_it_is(share: float, text: str) -> None:
    assert formats.percent(share) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0 s"),
        (0.5, "0.5 s"),
        (9.99, "10 s"),
        (59.4, "59 s"),
        (59.6, "1 min 0 s"),
        (80, "1 min 20 s"),
        (3700, "1 h 1 min"),
    ],
)
def test_seconds(value: float, text: str) -> None:
    assert formats.seconds(value) == text


@pytest.mark.parametrize(
    ("past", "text"),
    [(0, "just now"), (-3, "just now"), (30, "30 s ago"), (90, "2 min ago"), (7200, "2 h ago"), (200000, "2 d ago")],
)
def test_ago(past: float, text: str) -> None:
    assert formats.ago(1e6 - past, 1e6) == text


def test_numbers_and_sizes() -> None:
    assert formats.number(12345) == "12\u202f345"
    assert formats.number(3.04) == "3"
    assert formats.number(2.26) == "2.3"
    assert formats.size(1_510_000) == "1.5 MB"
    assert formats.size(900) == "1 kB"
    assert formats.ago(None, 5.0) == "never"


@given(st.text(st.characters(blacklist_categories=("Cs",)), min_size=1))
def test_the_path_of_a_group_leads_back_to_its_name(name: str) -> None:
    path, _, query = formats.group_path(3, name).partition("?name=")
    assert unquote(query or path.removeprefix("/projects/3/groups/")) == name
    assert ".." not in path.split("/")


def test_no_round_is_an_empty_curve() -> None:
    assert chart([]).efficiency == ()


@given(st.lists(st.floats(-5, 2) | st.none(), min_size=1, max_size=40))
def test_every_point_is_in_the_picture(values: list[float | None]) -> None:
    drawn = chart([RoundFigures(n, 1, 1, 1, 0, value, value) for n, value in enumerate(values)])
    assert len(drawn.efficiency) == sum(v is not None for v in values)
    for point in (*drawn.efficiency, *drawn.held_out):
        assert 0 <= point.x <= WIDTH
        assert 0 <= point.y <= HEIGHT


def test_better_is_higher() -> None:
    low, high = chart([RoundFigures(0, 1, 1, 1, 0, 0.2, None), RoundFigures(1, 1, 1, 1, 0, 0.9, None)]).efficiency
    assert (low.x < high.x, low.y > high.y) == (True, True)
