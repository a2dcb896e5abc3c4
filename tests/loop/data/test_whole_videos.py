import pytest

from backend.loop.data.whole_videos import file_name


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("/data/upload/1/ab12-clip%201.mp4", "ab12-clip 1.mp4"),
        ("/data/local-files/?d=films/day%201/clip.mp4", "clip.mp4"),
        ("s3://bucket/films/clip.mp4", "clip.mp4"),
        ("https://host/clip.mp4?token=secret", "clip.mp4"),
        ("data:video/mp4;base64,AAAA", ""),
        ("https://[broken", "[broken"),
        ("", ""),
        (None, ""),
        (["a.mp4"], ""),
    ],
)
def test_the_name_of_the_file(url: object, name: str) -> None:
    assert file_name(url, 1) == name
