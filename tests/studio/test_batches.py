from hypothesis import given
from hypothesis import strategies as st

from backend.studio.batches import batches
from backend.studio.events import (
    Annotation,
    ConfigChanged,
    Event,
    Ignored,
    LabelsChanged,
    LabelsDeleted,
    TaskData,
    TasksCreated,
    TasksDeleted,
    TrainingRequested,
)

MOST = 4
CONFIGS = st.sampled_from(["<View/>", "<View>2</View>"])
IDS = st.lists(st.integers(1, 9), min_size=1, max_size=10).map(tuple)
TASKS = st.lists(st.builds(TaskData, st.integers(1, 9), st.fixed_dictionaries({"n": st.integers(0, 5)})), max_size=10)
LABELS = st.lists(
    st.builds(Annotation, st.integers(1, 9), st.integers(1, 9), st.just([]), st.booleans(), st.floats(0, 9)),
    min_size=1, max_size=10,
)  # fmt: skip
EVENTS = st.one_of(
    st.builds(LabelsChanged, st.just(1), CONFIGS, LABELS.map(tuple), TASKS.map(lambda t: once(tuple(t)))),
    st.builds(LabelsDeleted, st.just(1), CONFIGS, IDS),
    st.builds(TasksCreated, st.just(1), CONFIGS, TASKS.map(lambda t: once(tuple(t)))),
    st.builds(TasksDeleted, st.just(1), IDS),
    st.builds(ConfigChanged, st.just(1), CONFIGS),
    st.builds(TrainingRequested, st.just(1), CONFIGS),
    st.builds(Ignored, st.just("X"), st.just("why")),
)


def once(tasks: tuple[TaskData, ...]) -> tuple[TaskData, ...]:
    return tuple({task.id: task for task in tasks}.values())


def told(events: list[Event]) -> tuple[list[object], dict[int, object], str]:
    """What a reader of these events knows at their end: labels in order and deletions, tasks as told last, the config."""
    labels: list[object] = []
    tasks: dict[int, object] = {}
    config = ""
    for event in events:
        config = getattr(event, "config", config)
        match event:
            case LabelsChanged(labels=some, tasks=theirs):
                labels += some
                tasks |= {task.id: task for task in theirs}
            case TasksCreated(tasks=theirs):
                tasks |= {task.id: task for task in theirs}
            case LabelsDeleted(ids=ids):
                labels += [("deleted", id_) for id_ in ids]
            case TasksDeleted(ids=ids):
                tasks |= dict.fromkeys(ids)
    return labels, tasks, config


def sizes(event: Event) -> list[int]:
    return [len(getattr(event, name)) for name in ("labels", "tasks", "ids") if hasattr(event, name)]


@given(st.lists(EVENTS, max_size=8))
def test_a_reader_knows_the_same_afterwards_and_no_portion_is_large(events: list[Event]) -> None:
    found = batches(events, MOST)
    assert told(found) == told(events)
    assert all(size <= MOST for event in found for size in sizes(event))


@given(st.lists(EVENTS, max_size=8))
def test_portions_of_portions_are_the_same(events: list[Event]) -> None:
    found = batches(events, MOST)
    assert batches(found, MOST) == found


def test_labels_travel_with_their_tasks() -> None:
    tasks = tuple(TaskData(n, {}) for n in range(10))
    labels = tuple(Annotation(n, n, [], False, 1.0) for n in range(10))
    for part in batches([LabelsChanged(1, "", labels, tasks)], MOST):
        assert isinstance(part, LabelsChanged)
        assert [label.task for label in part.labels] == [task.id for task in part.tasks]


def test_a_burst_of_single_events_is_one() -> None:
    burst = [LabelsChanged(1, "", (Annotation(n, n, [], False, 1.0),), (TaskData(n, {}),)) for n in range(200)]
    [one] = batches(burst, 200)
    assert isinstance(one, LabelsChanged)
    assert len(one.labels) == 200
    assert batches([TrainingRequested(1, "")] * 9, 200) == [TrainingRequested(1, "")]
    assert batches([], 200) == []
