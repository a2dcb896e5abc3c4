import json

from backend.learning.detection.config import DetectionConfig
from backend.learning.detection.hard_negatives import HardNegative
from backend.learning.detection.plan import plan
from backend.learning.detection.recipe import DetectionRecipe
from tests.learning.synthetic import clip


def test_artifacts_from_before_the_renaming_of_hard_negatives_are_read() -> None:
    metadata = plan(clip(2).frames, ("disc",), DetectionRecipe()).to_metadata()
    fields = json.loads(metadata["blueprint"])
    del fields["hard_negatives"]
    fields["mistakes"] = [{"label": 0, "box": [0.1, 0.2, 0.3, 0.4], "score": 0.5}]
    read = DetectionConfig.from_metadata({**metadata, "blueprint": json.dumps(fields)})
    assert read.hard_negatives == (HardNegative(0, (0.1, 0.2, 0.3, 0.4), 0.5),)
    assert DetectionConfig.from_metadata(read.to_metadata()) == read
