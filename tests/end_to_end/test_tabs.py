"""What we write into Label Studio's Data Manager, opened in a real browser: a filter that its pages do not know stops
them for everybody."""

import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from PIL import Image

from backend.demo.annotator import Annotator, rectangle_config
from backend.loop.predict.label_next import TAB
from backend.studio import tabs
from backend.studio.actions import accept_predictions
from backend.studio.client import Studio
from tests.end_to_end.browser import Browser

pytestmark = [pytest.mark.slow, pytest.mark.label_studio, pytest.mark.browser]
ROW = ".lsf-table__row-wrapper"
SECONDS = 60
STUCK_SECONDS = 8
"""Long enough for a page that loads in two."""


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("frames")
    paths = [folder / f"{number}.png" for number in range(4)]
    for number, path in enumerate(paths):
        Image.new("RGB", (64, 48), (40 * number, 90, 160)).save(path)
    return paths


@pytest.fixture
def project(person: Annotator) -> int:
    return person.create_project("tabs", rectangle_config(("thing",)))


@pytest.fixture
def tasks(studio: Studio, project: int, frames: Sequence[Path]) -> list[int]:
    data = [{"image": url, "frame": n, "video": "clip"} for n, url in enumerate(studio.upload(project, frames))]
    made = studio.create_tasks(project, data)
    scores = [0.9, 0.1, 0.5, 0.3]
    items = [
        {"task": task, "result": [], "score": s, "model_version": "v"} for task, s in zip(made, scores, strict=True)
    ]
    assert studio.import_predictions(project, items) == []
    studio.set_project(project, model_version="v")
    return made


def shown(browser: Browser) -> list[str]:
    """The tasks in the table, by their numbers."""
    return [row.text.split("\n")[0] for row in browser.visible(ROW)]


def open_tab(browser: Browser, project: int, tab: int, wanted: list[int]) -> None:
    browser.goto(f"/projects/{project}/data?tab={tab}")
    names = [str(task) for task in wanted]
    browser.until(lambda: shown(browser) == names or None, f"the rows {names}, not {shown(browser)}", SECONDS)


def test_the_tab_shows_the_frames_in_the_order_of_their_scores_with_their_pictures(
    studio: Studio, browser: Browser, project: int, tasks: list[int]
) -> None:
    tab = tabs.put(studio, project, TAB, [tasks[0], tasks[3], tasks[1]])
    open_tab(browser, project, tab, [tasks[1], tasks[3], tasks[0]])
    browser.until(lambda: len(in_sight(browser)) == 3 or None, "three pictures in sight", SECONDS)
    browser.screenshot("label-next")
    browser.goto(f"/projects/{project}/data")
    every = sorted(str(task) for task in tasks)
    browser.until(lambda: sorted(shown(browser)) == every or None, "all tasks in the project's first tab", SECONDS)
    tabs.put(studio, project, TAB, [tasks[2]])
    open_tab(browser, project, tab, [tasks[2]])
    assert sum((view["data"] or {}).get("title") == TAB for view in studio.views(project)) == 1


def in_sight(browser: Browser) -> list[float]:
    """Right edges of the pictures that are inside of the window, pixels."""
    script = """return [...document.querySelectorAll(arguments[0] + ' img')].map(i => i.getBoundingClientRect())
        .filter(r => r.width > 10 && r.right <= innerWidth).map(r => r.right)"""
    found: list[float] = browser.driver.execute_script(script, ROW)
    return found


def test_with_nothing_to_suggest_it_holds_what_nobody_has_labelled(
    studio: Studio, browser: Browser, project: int, tasks: list[int]
) -> None:
    studio.annotate(tasks[0], [])
    tab = tabs.put(studio, project, TAB, [])
    open_tab(browser, project, tab, [tasks[1], tasks[3], tasks[2]])


def test_the_longest_tab_loads(studio: Studio, browser: Browser, project: int, tasks: list[int]) -> None:
    tab = tabs.put(studio, project, TAB, [*tasks, *range(10**6, 10**6 + tabs.MOST_TASKS)])
    open_tab(browser, project, tab, [tasks[1], tasks[3], tasks[2], tasks[0]])


def test_a_tab_of_an_earlier_release_stops_the_pages_and_is_mended(
    studio: Studio, browser: Browser, project: int, tasks: list[int]
) -> None:
    item = {"filter": "filter:tasks:id", "operator": "in_list", "type": "List", "value": tasks[:2]}
    data = {"title": TAB, "type": "list", "target": "tasks", "filters": {"conjunction": "and", "items": [item]}}
    tab = studio.http.json("POST", "api/dm/views/", json={"project": project, "data": data})["id"]
    assert tabs.is_broken(studio, project, TAB)
    browser.goto(f"/projects/{project}/data")
    give_up = time.monotonic() + STUCK_SECONDS
    while time.monotonic() < give_up:
        assert not shown(browser), "the fault is there no more: this Label Studio knows the operator"
        time.sleep(0.2)
    assert tabs.put(studio, project, TAB, tasks[:2]) == tab
    assert not tabs.is_broken(studio, project, TAB)
    open_tab(browser, project, tab, [tasks[1], tasks[0]])
    browser.goto(f"/projects/{project}/data")
    browser.until(lambda: shown(browser) or None, "the project's own page", SECONDS)


def test_scores_are_shown_in_the_tab_that_label_studio_makes_itself(
    studio: Studio, browser: Browser, project: int, tasks: list[int]
) -> None:
    browser.goto(f"/projects/{project}/data")
    browser.until(lambda: shown(browser) or None, "the project's own page", SECONDS)
    tabs.show_scores(studio, project)
    browser.goto(f"/projects/{project}/data")
    heading = "return [...document.querySelectorAll('.lsf-table__row-wrapper, [class*=table-head]')].map(e => e.innerText).join()"
    browser.until(
        lambda: "prediction score" in browser.driver.execute_script(heading).lower() or None, "the column", SECONDS
    )
    assert tabs.show_scores(studio, project) == 0, "shown already"
    browser.screenshot("scores")


def test_removing_it(studio: Studio, browser: Browser, project: int, tasks: list[int]) -> None:
    tabs.put(studio, project, TAB, tasks)
    tabs.remove(studio, project, TAB)
    assert not tabs.exists(studio, project, TAB)
    browser.goto(f"/projects/{project}/data")
    browser.until(lambda: len(shown(browser)) == len(tasks) or None, "the project's own page", SECONDS)


def test_a_link_opens_the_tasks_of_a_group_and_leaves_no_tab_behind(
    studio: Studio, browser: Browser, project: int, tasks: list[int], frames: Sequence[Path]
) -> None:
    data = [{"image": url, "frame": n, "video": "other"} for n, url in enumerate(studio.upload(project, frames))]
    others = studio.create_tasks(project, data)
    before = [view["id"] for view in studio.views(project)]
    browser.goto(f"/projects/{project}/data?tab={tabs.passing('clip', 'video', 'clip')}")
    names = [str(task) for task in (tasks[1], tasks[3], tasks[2], tasks[0])]
    browser.until(lambda: shown(browser) == names or None, f"{names} without {others}", SECONDS)
    browser.screenshot("group-tab")
    kept = [view for view in studio.views(project) if view["id"] not in before]
    assert not [view for view in kept if (view["data"] or {}).get("title") == "clip"]


def test_accepted_predictions_are_annotations_of_these_tasks_alone(
    studio: Studio, project: int, tasks: list[int]
) -> None:
    accept_predictions(studio, project, tasks[:2], "another version")
    assert annotated(studio, project) == set()
    accept_predictions(studio, project, tasks[:2], "v")
    accept_predictions(studio, project, tasks[:2], "v")
    assert annotated(studio, project) == set(tasks[:2])


def annotated(studio: Studio, project: int) -> set[int]:
    """The tasks with one annotation; none has two."""
    rows = list(studio.tasks(project))
    assert max(len(row["annotations"]) for row in rows) <= 1
    return {row["id"] for row in rows if row["annotations"]}
