import pytest

from backend.studio.task_data import value_at


@pytest.mark.parametrize(
    ("data", "path", "value"),
    [
        ({"image": "a"}, "image", "a"),
        ({}, "image", None),
        ({"image": {"url": "a"}}, "image.url", "a"),
        ({"image": {"at": {"url": "a"}}}, "image.at.url", "a"),
        ({"image": {"at.url": "a"}}, "image.at.url", "a"),
        ({"image.url": "flat", "image": {"url": "deep"}}, "image.url", "flat"),
        ({"image": "a"}, "image.url", None),
        ({"image": ["a"]}, "image.0", None),
        ({"image": None}, "image.url", None),
    ],
)
def test_values_along_a_path(data: dict[str, object], path: str, value: object) -> None:
    assert value_at(data, path) == value
