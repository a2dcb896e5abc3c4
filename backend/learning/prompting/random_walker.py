"""Random walker with priors on a graph of like cells (Grady, Multilabel random walker image segmentation using prior
models, 2005), with non-local edges between cells that look alike (as KNN matting, Chen, Li and Tang, 2012): background
that a box holds is known by the same background outside of it."""

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import linalg

Floats = NDArray[np.float32]

FEATURE_NEIGHBOURS = 10
"""Cells that each cell is joined to because they look alike."""
SEED_WEIGHT = 100.0
"""Trust in what a person said; an edge of the graph has up to 1."""
TOUCHING_EDGE_WEIGHT = 0.1
"""Weight of the edges between cells that touch; 1 is that of edges between like ones."""
SOLVER_TOLERANCE, MOST_STEPS = 1e-3, 200
"""Of the conjugate gradients: a threshold follows, so that more digits change nothing."""


def graph(features: Floats, place: Floats) -> sparse.csr_matrix:
    """The (n, n) weights between cells of (rows, columns, d) features; (rows, columns, 2) `place` counts for likeness."""
    rows, columns, _ = features.shape
    flat = features.reshape(rows * columns, -1)
    return _like(np.concatenate([flat, place.reshape(rows * columns, -1)], axis=1)) + TOUCHING_EDGE_WEIGHT * _touching(
        features
    )


def walk(weights: sparse.csr_matrix, prior: Floats, trust: Floats) -> Floats:
    """(rows, columns) probabilities: smooth over the graph, and near the prior by each cell's trust in it."""
    degree = np.asarray(weights.sum(1)).ravel() + trust.ravel()
    system = sparse.diags(degree) - weights
    start = prior.ravel().astype(np.float64)
    found, _ = linalg.cg(
        system, trust.ravel() * start, x0=start, rtol=SOLVER_TOLERANCE, maxiter=MOST_STEPS, M=sparse.diags(1 / degree)
    )
    return np.asarray(found.reshape(prior.shape), np.float32)


def _like(vectors: Floats) -> sparse.csr_matrix:
    count = min(FEATURE_NEIGHBOURS, len(vectors) - 1)
    rows = torch.from_numpy(np.ascontiguousarray(vectors, np.float32))
    squares = (rows * rows).sum(1)
    apart = squares[:, None] + squares[None] - 2 * rows @ rows.T
    apart.fill_diagonal_(torch.inf)
    distance, index = (part.numpy() for part in apart.topk(count, largest=False))
    return _symmetric(
        np.repeat(np.arange(len(vectors)), count), index.ravel(), np.maximum(distance, 0), distance[:, -1]
    )


def _touching(features: Floats) -> sparse.csr_matrix:
    rows, columns, _ = features.shape
    number = np.arange(rows * columns).reshape(rows, columns)
    flat = features.reshape(rows * columns, -1)
    first, second = list[NDArray[np.int64]](), list[NDArray[np.int64]]()
    for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):
        left, stop = max(-right, 0), columns - max(right, 0)
        first.append(number[: rows - down, left:stop].ravel())
        second.append(number[down:, left + right : stop + right].ravel())
    one, other = np.concatenate(first), np.concatenate(second)
    apart = np.square(flat[one] - flat[other]).sum(1)
    return _symmetric(one, other, apart, apart)


def _symmetric(one: NDArray[np.int64], other: NDArray[np.int64], apart: Floats, typical: Floats) -> sparse.csr_matrix:
    """Weights that fall with the squared distance, in units of what is typical."""
    size = int(max(one.max(initial=0), other.max(initial=0))) + 1
    unit = max(float(np.median(typical)) if typical.size else 1.0, float(np.finfo(np.float32).tiny))
    weight = np.exp(-apart.ravel().astype(np.float64) / unit)
    found = sparse.coo_matrix((weight, (one, other)), shape=(size, size)).tocsr()
    return found.maximum(found.T)
