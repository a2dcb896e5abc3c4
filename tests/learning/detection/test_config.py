import json

import pytest

from backend.learning.detection.config import DetectionConfig
from backend.learning.detection.plan import plan
from backend.learning.detection.recipe import DetectionRecipe
from tests.learning.synthetic import clip


@pytest.mark.parametrize("name", ["mistakes", "hard_negatives"])
def test_artifacts_with_fields_that_went_are_read(name: str) -> None:
    planned = plan(clip(2).frames, ("disc",), DetectionRecipe())
    metadata = planned.to_metadata()
    fields = json.loads(metadata["blueprint"]) | {name: [{"label": 0, "box": [0.1, 0.2, 0.3, 0.4], "score": 0.5}]}
    assert DetectionConfig.from_metadata({**metadata, "blueprint": json.dumps(fields)}) == planned
