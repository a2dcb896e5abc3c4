"""Skeletons: `VectorLabels skeleton="true"`, one region for each posed object.

The editor knows no names of vertices: `model_points` on the control tag gives them, in the order in which they are drawn.
A skeleton is two controls of ours: boxes around the objects, which a detector finds, and the points inside of them.
"""

from dataclasses import replace

from backend.errors import LabelingConfigError
from backend.types import Control, Head

EXAMPLE = 'model_points="nose, neck, left hand: neck, right hand: neck"'


def points_of(text: str, tag: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(names, for each the name that a line leads from) out of `model_points`; raises LabelingConfigError.

    `name: other` is linked to the point `other`, which comes before it; a name alone to the one before.
    """
    names: list[str] = []
    links: list[str] = []
    for part in text.split(","):
        name, _, other = (half.strip() for half in part.partition(":"))
        linked = other or (names[-1] if names else "")
        if not name or name in names or (linked and linked not in names):
            raise LabelingConfigError(
                f"{tag} has model_points={text!r}; {part.strip()!r} does not fit. Expected different names, each with a "
                f"colon behind it where its line comes from another than the one before, such as {EXAMPLE}."
            )
        names.append(name)
        links.append(linked)
    return tuple(names), tuple(links)


def controls_of(drawn: Control, names: tuple[str, ...], linked_to: tuple[str, ...]) -> tuple[Control, Control]:
    """The two controls of a skeleton's control tag: boxes around the objects, and their points."""
    boxes = replace(
        drawn, from_name=f"{drawn.from_name} boxes", head=Head.DETECTION, drawn_with=drawn.from_name, multiple=False
    )
    points = replace(drawn, head=Head.POSE, labels=names, parent=boxes.from_name, linked_to=linked_to, multiple=False)
    return boxes, points
