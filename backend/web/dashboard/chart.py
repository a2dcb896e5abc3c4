"""The curve of label efficiency by round, as points of an SVG. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from backend.loop.review.efficiency import RoundFigures

WIDTH, HEIGHT = 420, 200
LEFT, RIGHT, TOP, BOTTOM = 34, 24, 18, 26
"""Room around the curve, in the same units: for the numbers of the axes."""


@dataclass(frozen=True, slots=True)
class Point:
    """One round's value in the picture."""

    x: float
    y: float
    value: float


@dataclass(frozen=True, slots=True)
class Chart:
    """Everything that the template draws."""

    ticks: tuple[tuple[float, str], ...]
    """(y, percent) of the horizontal lines."""
    rounds: tuple[tuple[float, int], ...]
    """(x, round) of the axis."""
    efficiency: tuple[Point, ...]
    held_out: tuple[Point, ...]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT


def chart(rounds: Sequence[RoundFigures]) -> Chart:
    """The picture of these rounds; values outside [0, 1], as a round of much mending has, are drawn at the edge."""
    xs = [LEFT + (WIDTH - LEFT - RIGHT) * (n + 0.5) / len(rounds) for n in range(len(rounds))]
    return Chart(
        ticks=tuple((_y(share), f"{share:.0%}") for share in (0.0, 0.5, 1.0)),
        rounds=tuple((x, r.round) for x, r in zip(xs, rounds, strict=True)),
        efficiency=_points(xs, [r.efficiency for r in rounds]),
        held_out=_points(xs, [r.held_out_score for r in rounds]),
    )


def _points(xs: Sequence[float], values: Sequence[float | None]) -> tuple[Point, ...]:
    return tuple(Point(x, _y(value), value) for x, value in zip(xs, values, strict=True) if value is not None)


def _y(share: float) -> float:
    return TOP + (HEIGHT - TOP - BOTTOM) * (1 - min(1.0, max(0.0, share)))
