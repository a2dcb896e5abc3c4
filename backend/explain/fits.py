"""Polynomial fits of the labels: one for all of them, or an overfitted one for each group. Pure.

Both are polynomials in Chebyshev's basis, by least squares. The global one is as good as honest care makes it: its
degree is the one with the least leave-one-out error, which for least squares has a closed form (PRESS; Allen 1974, The
relationship between variable selection and data augmentation). The local ones get no care at all: each goes exactly
through its labels, as long as these are few.
"""

from collections.abc import Callable

import numpy as np
from numpy.polynomial import chebyshev

from backend.explain.curve import Curve, Floats, Labels

Fit = Callable[[Floats], Floats]
"""(n,) places in [0, 1] -> (n,) heights."""

HIGHEST = 60
"""Greatest degree that the global polynomial may choose: 256 labels seldom want more."""
STIFFEST = 5
"""Greatest degree of a local polynomial: up to 6 labels are met exactly."""
CERTAIN = 1e-9
"""A label whose leverage is nearer to 1 than this decides its own value: leaving it out says nothing finite."""


def one_for_all(labels: Labels) -> Fit:
    """One polynomial for the whole axis, with the degree that leave-one-out chooses; without labels 0."""
    return polynomial(labels, best_degree(labels), (0.0, 1.0))


def one_a_group(labels: Labels, curve: Curve) -> Fit:
    """A polynomial in each group through its own labels, stitched; a group without any answers the labels' mean."""
    group, edges = curve.group_of(labels.x), curve.edges
    pieces = [
        _piece(labels, group == number, (float(edges[number]), float(edges[number + 1])))
        for number in range(len(edges) - 1)
    ]

    def stitched(x: Floats) -> Floats:
        where = curve.group_of(x)
        heights = np.zeros(len(x))
        for number, piece in enumerate(pieces):
            heights[where == number] = piece(x[where == number])
        return heights

    return stitched


def polynomial(labels: Labels, degree: int, span: tuple[float, float]) -> Fit:
    """The polynomial of a degree over a span of the axis that meets labels best; without labels 0."""
    if not len(labels):
        return lambda x: np.zeros(len(x))
    weights = np.linalg.lstsq(_basis(labels.x, degree, span), labels.y)[0]
    return lambda x: np.asarray(_basis(x, degree, span) @ weights)


def best_degree(labels: Labels, highest: int = HIGHEST) -> int:
    """The degree whose polynomial foretells each label best from the others; 0 for fewer than three labels."""
    errors = leave_one_out(labels, min(highest, len(labels) - 2))
    return int(np.argmin(errors)) if len(errors) else 0


def leave_one_out(labels: Labels, highest: int) -> Floats:
    """(highest + 1,): mean square error at each label of the polynomial of each degree that all others make.

    Infinite where they make none. One orthogonal basis serves all degrees: each has one column more.
    """
    if highest < 0:
        return np.zeros(0)
    q, _ = np.linalg.qr(_basis(labels.x, highest, (0.0, 1.0)))
    freedom = 1 - np.cumsum(np.square(q), axis=1)
    missed = labels.y[:, None] - np.cumsum(q * (q.T @ labels.y), axis=1)
    known = freedom.min(axis=0) > CERTAIN
    squares = np.square(missed / np.where(freedom > CERTAIN, freedom, 1.0)).mean(axis=0)
    return np.where(known, squares, np.inf)


def _piece(labels: Labels, mine: np.ndarray[tuple[int], np.dtype[np.bool_]], span: tuple[float, float]) -> Fit:
    own = Labels(labels.x[mine], labels.y[mine])
    if not len(own):
        return polynomial(labels, 0, span)
    return polynomial(own, min(len(own) - 1, STIFFEST), span)


def _basis(x: Floats, degree: int, span: tuple[float, float]) -> Floats:
    """(n, degree + 1): Chebyshev's polynomials, stretched over the span."""
    return np.asarray(chebyshev.chebvander(2 * (x - span[0]) / (span[1] - span[0]) - 1, degree))
