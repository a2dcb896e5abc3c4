import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.errors import StudioError
from backend.studio import project_key


@pytest.mark.parametrize("key", [None, "", "abc", "0", 0, -1, True, 1.5, "-3", ".5", "²", {}, "1e3"])
def test_refuses_what_names_no_project(key: object) -> None:
    with pytest.raises(StudioError, match="names no project"):
        project_key.parse(key)


@given(st.integers(1, 10**9), st.integers(0, 2 * 10**9))
def test_reads_every_form(project: int, created: int) -> None:
    assert {project_key.parse(key) for key in (project, str(project), f"{project}.{created}")} == {project}
