"""The image, built once; a Docker engine with all images that the compose files name."""

from collections.abc import Iterator

import pytest

from tests.docker import engine as engines
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


@pytest.fixture(scope="session")
def engine() -> Iterator[engines.Engine]:
    """An engine with the images of this checkout."""
    if reason := engines.missing():
        pytest.skip(reason)
    with engines.Engine() as engine:
        engine.make_images()
        yield engine
