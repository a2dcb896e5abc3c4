"""Actions of Label Studio's Data Manager."""

from collections.abc import Sequence

from backend.studio.client import Studio


def accept_predictions(studio: Studio, project: int, tasks: Sequence[int], model_version: str) -> None:
    """Make an annotation, by the API key's user, of each prediction of this version that has none made of it yet.

    As the action "Create annotations from predictions" does; raises StudioError where it is refused.
    """
    chosen = {"all": False, "included": list(tasks)}
    studio.http.json(
        "POST", "api/dm/actions/", params={"id": "predictions_to_annotations", "project": project},
        json={"selectedItems": chosen, "model_version": model_version},
    )  # fmt: skip
