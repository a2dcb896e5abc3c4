"""Conditions: which control tags the editor hides beside which choices (`visibleWhen`). Pure.

As the editor of 1.23.2 does it (`Result.canBeSubmitted` and `VisibilityMixin`): what a hidden control holds is dropped when
the annotation is submitted, and a hidden `Choices` counts as one without a choice.
"""

from collections.abc import Iterable, Mapping

from backend.types import Condition, Control

Chosen = Mapping[str, frozenset[str]]
"""{name of a control tag: what is chosen with it}"""


def hidden_beside(controls: Iterable[Control], chosen: Chosen) -> frozenset[str]:
    """The names of the controls that are hidden."""
    asked, found = [control for control in controls if control.visible_when], frozenset[str]()
    for _ in asked:  # one that is hidden may hide the next
        left = {name: choices for name, choices in chosen.items() if name not in found}
        found = frozenset(one.from_name for one in asked if not _is_shown(one, left))
    return found


def _is_shown(control: Control, chosen: Chosen) -> bool:
    others = {name: choices for name, choices in chosen.items() if name != control.from_name}
    return all(_holds(condition, others) == condition.selected for condition in control.visible_when)


def _holds(condition: Condition, chosen: Chosen) -> bool:
    asked = [choices for name, choices in chosen.items() if condition.control in ("", name)]
    wanted = frozenset(condition.choices)
    return any(choices & wanted if wanted else choices for choices in asked)
