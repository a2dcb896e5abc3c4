"""Five labels, a training, predictions: the whole loop as a person in Label Studio sees it."""

import time
from typing import Any

import pytest

from backend.demo.annotator import Annotator
from backend.demo.data_set import DataSet
from backend.errors import StudioError
from backend.learning.detection.evaluation import matches
from tests.end_to_end.browser import Browser
from tests.end_to_end.clips import moving_square
from tests.end_to_end.conftest import BackendFactory
from tests.end_to_end.work import Work, until

pytestmark = [pytest.mark.slow, pytest.mark.label_studio]


@pytest.fixture(scope="module")
def square(tmp_path_factory: pytest.TempPathFactory) -> DataSet:
    return moving_square(tmp_path_factory.mktemp("clip") / "frames")


@pytest.fixture(scope="module")
def trained(person: Annotator, deployment: BackendFactory, square: DataSet) -> Work:
    """A project after its first round; connected as the README says."""
    work = Work(person, deployment(MICRO_MODELS_EFFORT="0.3"), square)
    work.backend.connect(work.project)
    work.fill()
    work.label(*square.labelled(5))
    work.wait()
    return work


def by_score(work: Work) -> list[int]:
    """Tasks without a label, the most uncertain first."""
    found = {work.tasks[p]: ours[-1]["score"] for p, ours in work.predictions().items() if p not in work.labelled}
    return sorted(found, key=lambda task: (found[task], task))


def test_every_other_frame_has_one_prediction(trained: Work) -> None:
    trained.check_one_prediction_each()
    (group,) = trained.status()["groups"]
    assert (group["group"], group["state"], group["labelled"], group["trained_labels"]) == ("square", "idle", 5, 5)
    assert group["version"]


def test_predictions_are_right_and_complete(trained: Work) -> None:
    evaluated = trained.data_set.evaluation(tuple(trained.labelled))
    hits = sum(matches(trained.shown(p), trained.data_set.frames[p].truth or (), 0.5) for p in evaluated)
    assert hits >= 0.8 * len(evaluated)
    for found in trained.predictions().values():
        for prediction in found:
            assert 0 <= prediction["score"] <= 1
            ids = [region["id"] for region in prediction["result"]]
            assert len(ids) == len(set(ids))
            assert {region["from_name"] for region in prediction["result"]} <= {"label"}


def test_the_label_stream_hands_out_the_most_uncertain_frame_with_its_prediction(trained: Work) -> None:
    handed = next_task(trained)
    scores = {task: found[-1]["score"] for task, found in trained.person.predictions(trained.project).items()}
    least = by_score(trained)[0]
    assert scores[handed["id"]] == pytest.approx(scores[least])
    (prediction,) = handed["predictions"]
    assert prediction["model_version"] == trained.model_version()
    trained.check_one_prediction_each()


def next_task(work: Work) -> dict[str, Any]:
    """What "Label All Tasks" hands out next."""
    path = f"api/dm/actions?id=next_task&project={work.project}"
    task: dict[str, Any] = work.studio.http.json("POST", path, json={})
    return task


@pytest.mark.browser
def test_the_data_manager_sorts_by_prediction_score(trained: Work, browser: Browser) -> None:
    hidden = {"explore": ["tasks:annotators"], "labeling": []}
    data = {"title": "by score", "type": "list", "target": "tasks", "hiddenColumns": hidden}
    body = {"project": trained.project, "data": data}
    tab = trained.studio.http.json("POST", "api/dm/views/", json=body)
    browser.goto(f"/projects/{trained.project}/data?tab={tab['id']}")
    browser.click_text("Order by", "button")
    browser.click_text("Prediction score", ".lsf-menu-dm__item")
    browser.click_text("Prediction score", "button")  # closes the menu
    wanted = [str(task) for task in by_score(trained)]
    labelled = {str(trained.tasks[p]) for p in trained.labelled}

    def rows() -> list[str]:
        listed = [row.text.split("\n")[0] for row in browser.visible(".lsf-table__row-wrapper")]
        return [task for task in listed if task not in labelled]

    browser.until(lambda: rows()[:4] == wanted[:4], f"rows in the order {wanted[:4]}")
    browser.screenshot("data-manager-by-prediction-score")


@pytest.mark.browser
def test_the_labeling_view_shows_the_predicted_box(trained: Work, browser: Browser) -> None:
    position = trained.data_set.evaluation(tuple(trained.labelled))[0]
    (region,) = trained.shown(position)
    browser.goto(f"/projects/{trained.project}/data?task={trained.tasks[position]}")
    item = browser.find(".lsf-outliner-item")
    assert region.label in item.text
    browser.find("canvas")
    drawn = browser.until(
        lambda: browser.driver.execute_script(
            "const all = Htx.annotationStore.selected.regions;"
            "return all.length && all.map(r => [r.x, r.y, r.x + r.width, r.y + r.height])"
        ),
        "the editor to hold the region",
    )
    assert len(drawn) == 1
    width, height = trained.data_set.width, trained.data_set.height
    in_percent = [edge * 100 / side for edge, side in zip(region.box, (width, height) * 2, strict=True)]
    assert drawn[0] == pytest.approx(in_percent, abs=0.1)
    browser.screenshot("labeling-view-with-prediction")
    trained.check_one_prediction_each()


@pytest.mark.browser
def test_a_person_accepts_a_prediction_in_the_label_stream(trained: Work, browser: Browser) -> None:
    before = annotations(trained)
    browser.goto(f"/projects/{trained.project}/data?labeling=1")
    browser.find(".lsf-outliner-item")
    browser.screenshot("label-stream")
    browser.click_text("Submit", "button")
    made = until(lambda: annotations(trained) - before, "the accepted annotation", 120)
    ((task, parent),) = made
    assert parent in [found["id"] for found in trained.person.predictions(trained.project)[task]]
    trained.labelled.add(trained.tasks.index(task))
    trained.wait()
    trained.check_one_prediction_each()


def annotations(work: Work) -> set[tuple[int, int | None]]:
    """Task and parent prediction of every annotation."""
    return {
        (task["id"], annotation["parent_prediction"])
        for task in work.studio.tasks(work.project)
        for annotation in task["annotations"]
    }


def test_a_prediction_opened_before_a_training_is_accepted_after_it(trained: Work) -> None:
    first, second = trained.data_set.evaluation(tuple(trained.labelled))[-2:]
    opened = trained.predictions()[first][-1]
    trained.label(second)
    trained.wait()
    try:
        stored = trained.person.submit(trained.tasks[first], opened["result"], parent_prediction=opened["id"])
    except StudioError as error:
        pytest.fail(f"Label Studio refused what somebody had open while a training published: {error}")
    trained.labelled.add(first)
    assert stored["parent_prediction"] == opened["id"]
    trained.wait()
    trained.check_one_prediction_each()


def test_retrieve_predictions_gives_new_tasks_theirs_and_the_others_no_second(trained: Work) -> None:
    copies = trained.person.upload(trained.project, trained.data_set)[:2]
    path = f"api/dm/actions?id=retrieve_tasks_predictions&project={trained.project}"
    everything = {"selectedItems": {"all": True, "excluded": []}, "filters": {"conjunction": "and", "items": []}}
    trained.studio.http.json("POST", path, json={**everything, "ordering": []})
    counts = until(lambda: each_has_some(trained, copies), "predictions of the new tasks", 120)
    time.sleep(1)  # whatever else the backend may push
    assert counts == {1}
    trained.check_one_prediction_each()


def each_has_some(work: Work, tasks: list[int]) -> set[int]:
    """Numbers of predictions of these tasks; empty while one has none."""
    found = work.person.predictions(work.project)
    counts = {len(found.get(task, [])) for task in tasks}
    return set() if 0 in counts else counts


@pytest.mark.browser
def test_the_start_training_button_trains_where_labels_alone_do_not(
    person: Annotator, deployment: BackendFactory, square: DataSet, browser: Browser
) -> None:
    work = Work(person, deployment(MICRO_MODELS_TRAINING="manual", MICRO_MODELS_EFFORT="0.1"), square)
    work.connect_plainly()
    work.fill()
    work.label(*square.labelled(2))
    until(lambda: [group for group in work.status()["groups"] if group["labelled"] == 2], "the labels to arrive", 120)
    time.sleep(4)  # longer than the quiet time
    assert work.status()["groups"][0]["trained_labels"] == 0
    browser.goto(f"/projects/{work.project}/settings/ml")
    press_start_training(browser)
    work.wait()
    work.check_one_prediction_each()


def press_start_training(browser: Browser) -> None:
    """The Model page's menu, its entry, and the confirmation."""
    browser.click("button[aria-label='Machine learning model options']")
    browser.click_text("Start Training", "li")
    browser.click_text("Start Training", "button")
