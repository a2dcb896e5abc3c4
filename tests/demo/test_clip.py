import pytest

from backend.demo.clip import installed_clip
from backend.errors import DemoError


def test_a_distribution_that_is_not_installed_is_named() -> None:
    with pytest.raises(DemoError, match="no-such-distribution is not installed"):
        installed_clip("no-such-distribution", "clip.mp4")


def test_a_distribution_without_the_file_is_named() -> None:
    with pytest.raises(DemoError, match=r"pytest has no file clip\.mp4"):
        installed_clip("pytest", "clip.mp4")


def test_a_file_of_an_installed_distribution_is_found() -> None:
    assert installed_clip("pytest", "METADATA").is_file()
