from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.studio import events

CONFIG = "<View/>"
PROJECT = {"id": 7, "label_config": CONFIG, "title": "p"}
BOX = {"id": "r1", "type": "rectanglelabels", "value": {"x": 1}}


def row(**fields: Any) -> dict[str, Any]:
    plain = {"id": 11, "task": 21, "result": [BOX], "was_cancelled": False, "updated_at": "2026-11-23T02:00:00.500000Z"}
    return {**plain, **fields}


def payload(action: str, **fields: Any) -> dict[str, Any]:
    return {"action": action, "project": PROJECT, **fields}


TASK = {"id": 21, "data": {"image": "a.png", "video": "v"}, "meta": {}}


@pytest.mark.parametrize("action", ["ANNOTATION_CREATED", "ANNOTATION_UPDATED"])
def test_one_annotation(action: str) -> None:
    sent = payload(action, annotation=row(completed_by=3, parent_prediction=5, lead_time=1.5, unique_id="x"), task=TASK)
    event = events.parse(sent)
    assert isinstance(event, events.LabelsChanged)
    assert (event.project, event.config) == (7, CONFIG)
    assert event.tasks == (events.TaskData(21, {"image": "a.png", "video": "v"}),)
    details = {"completed_by": 3, "parent_prediction": 5, "lead_time": 1.5}
    assert event.labels == (events.Annotation(11, 21, [BOX], False, 1795399200.5, details),)


def test_plural_keeps_the_singular_keys_and_repeats_the_task() -> None:
    event = events.parse(payload("ANNOTATIONS_CREATED", annotation=[row(), row(id=12)], task=[TASK, TASK]))
    assert isinstance(event, events.LabelsChanged)
    assert [label.id for label in event.labels] == [11, 12]
    assert [task.id for task in event.tasks] == [21]


def test_one_bad_annotation_does_not_cost_the_others() -> None:
    event = events.parse(payload("ANNOTATIONS_CREATED", annotation=[row(), None, {"id": "x"}, 5], task=[TASK, None]))
    assert isinstance(event, events.LabelsChanged)
    assert [label.id for label in event.labels] == [11]


def test_skipped_annotation() -> None:
    event = events.parse(payload("ANNOTATION_CREATED", annotation=row(was_cancelled=True, result=[]), task=TASK))
    assert isinstance(event, events.LabelsChanged)
    assert event.labels[0].skipped
    assert event.labels[0].result == []


def test_annotation_without_its_task_id_takes_that_of_the_task() -> None:
    event = events.parse(payload("ANNOTATION_CREATED", annotation=row(task=None), task=TASK))
    assert isinstance(event, events.LabelsChanged)
    assert event.labels[0].task == 21


@pytest.mark.parametrize(
    "annotation",
    [row(draft=True), row(id=None), row(id=True), row(updated_at=None), row(updated_at="soon"), row(result="x"), None],
)
def test_what_is_no_submitted_annotation_is_ignored(annotation: object) -> None:
    event = events.parse(payload("ANNOTATION_CREATED", annotation=annotation, task=TASK))
    assert isinstance(event, events.Ignored)


@pytest.mark.parametrize("action", ["ANNOTATIONS_DELETED", "ANNOTATION_DELETED"])
@pytest.mark.parametrize("sent", [{"annotations": [{"id": 4}, {"id": 5}, {"id": 4}]}, {"annotation": [4, 5]}])
def test_deleted_annotations(action: str, sent: dict[str, Any]) -> None:
    assert events.parse(payload(action, **sent)) == events.LabelsDeleted(7, CONFIG, (4, 5))


def test_tasks_created_and_deleted() -> None:
    created = events.parse(payload("TASKS_CREATED", tasks=[TASK, {"id": 22, "data": {}}]))
    assert isinstance(created, events.TasksCreated)
    assert [task.id for task in created.tasks] == [21, 22]
    assert events.parse(payload("TASKS_DELETED", tasks=[{"id": 21}])) == events.TasksDeleted(7, CONFIG, (21,))


def test_project_updated_and_training() -> None:
    assert events.parse(payload("PROJECT_UPDATED")) == events.ConfigChanged(7, CONFIG)
    assert events.parse(payload("START_TRAINING")) == events.TrainingRequested(7, CONFIG)


def test_project_as_a_key() -> None:
    assert events.parse({"action": "START_TRAINING", "project": "7.1795391199"}) == events.TrainingRequested(7, "")


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        "x",
        {},
        {"action": 5},
        {"action": "ANNOTATION_CREATED"},
        payload("ANNOTATION_CREATED"),
        payload("ANNOTATIONS_DELETED", annotations=[]),
        payload("TASKS_CREATED", tasks={"no": "id"}),
        payload("TASKS_DELETED"),
        payload("LABEL_LINK_CREATED"),
        payload("SOMETHING_NEW", annotation=row()),
        {"action": "PROJECT_UPDATED", "project": {"id": None}},
    ],
)
def test_odd_payloads_are_ignored_with_a_reason(body: object) -> None:
    event = events.parse(body)
    assert isinstance(event, events.Ignored)
    assert event.why


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
ACTIONS = st.sampled_from(
    [
        "ANNOTATION_CREATED",
        "ANNOTATIONS_CREATED",
        "ANNOTATIONS_DELETED",
        "TASKS_CREATED",
        "TASKS_DELETED",
        "START_TRAINING",
    ]
)


@given(ACTIONS, JSON, JSON, JSON, JSON)
def test_never_raises(action: str, project: Any, annotation: Any, task: Any, many: Any) -> None:
    body = {"action": action, "annotation": annotation, "task": task, "annotations": many, "tasks": many}
    events.parse({**body, "project": project})
    events.parse({**body, "project": PROJECT})


@given(st.dictionaries(st.sampled_from(list(row())), JSON))
def test_never_raises_for_a_damaged_annotation(damage: dict[str, Any]) -> None:
    label = events.annotation(row(**damage))
    assert label is None or (label.id > 0 and label.task > 0)


def test_annotations_of_an_api_task() -> None:
    task = {
        "id": 21,
        "annotations": [row(task=None, completed_by={"id": 3, "email": "a@b"}), row(id=12, was_cancelled=True)],
    }
    labels = events.annotations_of(task)
    assert [(label.id, label.task, label.skipped) for label in labels] == [(11, 21, False), (12, 21, True)]
    assert labels[0].details == {"completed_by": 3}
    assert events.annotations_of({"id": 1}) == ()
