"""The tasks of a large group that are predicted and handed over before the rest. Pure.

Whoever labels waits for the tasks that come next, not for ten thousand. Label Studio hands out either by the order of ids or
the lowest published score, and nobody knows which of the two is meant; so half of them come from each.
"""

from collections.abc import Mapping, Sequence

from model_registry import TaskRecord

FIRST_TASKS = 40
"""Predicted before the rest: more than anybody mends meanwhile."""
LARGE_GROUP = 6 * FIRST_TASKS
"""Tasks of a group that is worth it. The first ones are predicted twice, since all frames together say more."""


def first_tasks(tasks: Sequence[TaskRecord], scores: Mapping[int, float]) -> list[TaskRecord]:
    """Of the tasks of a group that nobody labelled, those to begin with; none where all are done soon. `scores` are those
    published before, by task."""
    if len(tasks) < LARGE_GROUP:
        return []
    half = FIRST_TASKS // 2
    in_turn = sorted(tasks, key=lambda task: task.id)
    rest = in_turn[half:]
    doubtful = sorted((task for task in rest if task.id in scores), key=lambda task: scores[task.id])
    chosen = {task.id for task in in_turn[:half] + (doubtful or rest[:: len(rest) // half])[:half]}
    return [task for task in tasks if task.id in chosen]
