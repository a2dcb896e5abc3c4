"""Composing: the micro-models of one group as one model, as its labeling config puts them together."""

from collections.abc import Mapping

from backend.objects.model import Model
from backend.objects.union import united
from backend.types import Head

REGIONS = frozenset({Head.DETECTION, Head.SEGMENTATION})


def composition_of(models: Mapping[str, Model]) -> Model:
    """All that the micro-models of a group say, by the names of their control tags: points are looked for in the boxes of the
    first model that finds boxes, classes of regions in those of each that finds boxes or masks; the others stand beside them.

    As the server predicts where all of them serve. What hangs on boxes that nobody finds is left out.
    """
    loose = {name: one for name, one in models.items() if not one.hangs_on_boxes}
    hanging = {name: one for name, one in models.items() if one.hangs_on_boxes}
    first = next((name for name, one in loose.items() if Head.DETECTION in one.heads), None)
    found = []
    for name, one in loose.items():
        whole = one
        if name == first:
            for points in (other for other in hanging.values() if Head.POSE in other.heads):
                whole = whole >> points.inside()
        if one.heads & REGIONS:
            for attribute, classes in hanging.items():
                if Head.CLASSIFICATION in classes.heads:
                    whole = whole >> classes.crops(attribute)
        found.append(whole)
    return united(found)
