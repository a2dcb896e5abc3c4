"""The image, built once."""

import pytest

from tests.docker.buildah import FOLDER, Buildah, missing
from tests.docker.torch_index import make_index
from tests.end_to_end.conftest import label_studio, person, studio

__all__ = ["image", "label_studio", "person", "studio"]


@pytest.fixture(scope="session")
def image() -> Buildah:
    """The image of this checkout."""
    if reason := missing():
        pytest.skip(reason)
    buildah = Buildah(FOLDER)
    buildah.clean()
    buildah.make_base()
    buildah.build(make_index(FOLDER / "index"))
    return buildah
