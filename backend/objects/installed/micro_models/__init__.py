"""Micro-models as objects: tiny models, each overfitted to one group of frames, that are called, composed and given on.

    >>> import micro_models as mm
    >>> mm.abstain | mm.abstain == mm.abstain
    True
    >>> len(mm.Instances([(0, 0, 8, 8)], ["bunny"], [0.9]))
    1

Each name is brought in when it is first used, so that the import takes no time; torch comes with the first prediction.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from backend.errors import MicroModelsError as MicroModelsError
    from backend.instances import Instances as Instances
    from backend.instances import concatenate as concatenate
    from backend.objects.abstain import abstain as abstain
    from backend.objects.card import Card as Card
    from backend.objects.comparing import Comparison as Comparison
    from backend.objects.comparing import compare as compare
    from backend.objects.cuts import cuts as cuts
    from backend.objects.data import read as read
    from backend.objects.data import write as write
    from backend.objects.files import load as load
    from backend.objects.fitting import fit as fit
    from backend.objects.frames import images_in as images_in
    from backend.objects.micro_model import MicroModel as MicroModel
    from backend.objects.model import Model as Model
    from backend.objects.routing import by_group as by_group
    from backend.objects.routing import by_time as by_time
    from backend.objects.suggesting import Suggestion as Suggestion
    from backend.objects.suggesting import suggest as suggest
    from backend.objects.track import track as track
    from backend.objects.zoo import open_zoo as open

_HOMES = {
    "Card": "backend.objects.card",
    "Comparison": "backend.objects.comparing",
    "Instances": "backend.instances",
    "MicroModel": "backend.objects.micro_model",
    "MicroModelsError": "backend.errors",
    "Model": "backend.objects.model",
    "Suggestion": "backend.objects.suggesting",
    "abstain": "backend.objects.abstain",
    "by_group": "backend.objects.routing",
    "by_time": "backend.objects.routing",
    "compare": "backend.objects.comparing",
    "concatenate": "backend.instances",
    "cuts": "backend.objects.cuts",
    "fit": "backend.objects.fitting",
    "images_in": "backend.objects.frames",
    "load": "backend.objects.files",
    "open": "backend.objects.zoo",
    "read": "backend.objects.data",
    "suggest": "backend.objects.suggesting",
    "track": "backend.objects.track",
    "write": "backend.objects.data",
}
__all__ = [
    "Card",
    "Comparison",
    "Instances",
    "MicroModel",
    "MicroModelsError",
    "Model",
    "Suggestion",
    "abstain",
    "by_group",
    "by_time",
    "compare",
    "concatenate",
    "cuts",
    "fit",
    "images_in",
    "load",
    "open",
    "read",
    "suggest",
    "track",
    "write",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"micro_models has no {name!r}. It has: {', '.join(__all__)}.")
    found = getattr(import_module(_HOMES[name]), "open_zoo" if name == "open" else name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
