"""The bar of what takes long: for eyes only."""

import io

import pytest
from rich.console import Console

from backend.commands.progress import bar


def shown(terminal: bool) -> str:
    file = io.StringIO()
    console = Console(file=file, force_terminal=terminal, width=120, no_color=True, legacy_windows=False)
    with bar(console, "Asking") as report:
        report("Cutting [clip].mp4", 0, None)
        report("Cutting [clip].mp4", 3, 12)
        report("Uploading", 5, 5)
        console.print("meanwhile")
    return file.getvalue()


def test_nothing_is_written_where_no_person_looks() -> None:
    assert shown(terminal=False) == "meanwhile\n"


@pytest.mark.parametrize("words", ["Uploading", "5/5", "meanwhile"])
def test_a_terminal_shows_what_is_done_and_how_much_of_it(words: str) -> None:
    assert words in shown(terminal=True)
