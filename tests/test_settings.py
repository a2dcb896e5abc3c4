"""Where the data folder is."""

from pathlib import Path

import pytest

from backend.settings import Settings


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user and a working directory of their own."""
    for name, value in (("HOME", "home"), ("XDG_DATA_HOME", "home/data")):
        monkeypatch.setenv(name, str(tmp_path / value))
    monkeypatch.delenv("MICRO_MODELS_DATA_DIR", raising=False)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path


def test_it_does_not_depend_on_where_one_stands(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = Settings().folder  # type: ignore[call-arg]
    monkeypatch.chdir(elsewhere)
    there = Settings()  # type: ignore[call-arg]
    assert here == there.folder
    assert not there.uses_old_folder
    assert here.is_relative_to(elsewhere / "home")
    assert here.stat().st_mode & 0o077 == 0


def test_what_an_older_release_left_here_is_used_and_told(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = elsewhere / "work" / "micro-models-data"
    old.mkdir()
    assert Settings().folder == old  # type: ignore[call-arg]
    assert Settings().uses_old_folder  # type: ignore[call-arg]
    monkeypatch.setenv("MICRO_MODELS_DATA_DIR", str(elsewhere / "mine"))
    named = Settings()  # type: ignore[call-arg]
    assert named.folder == elsewhere / "mine"
    assert not named.uses_old_folder


def test_a_file_of_that_name_is_no_data_folder(elsewhere: Path) -> None:
    (elsewhere / "work" / "micro-models-data").write_text("notes")
    assert not Settings().uses_old_folder  # type: ignore[call-arg]
