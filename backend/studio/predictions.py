"""Label Studio's API for predictions, as far as this product needs it."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from backend.errors import StudioError, StudioForbidden, StudioMissing, StudioUnreachable
from backend.studio.answers import Item, chunks, list_of
from backend.studio.tasks import IDS_IN_QUERY, TaskCalls

IMPORT_CHUNK = 200
"""Predictions in one import request: 0.3-1 s of Label Studio's time, well under any proxy's timeout."""
UPDATES_AT_ONCE = 4
"""Label Studio takes 82 ms for one update after the other and 38 ms with four at a time; more gains nothing."""


class PredictionCalls(TaskCalls):
    """Calls about predictions, and about the tasks that they belong to."""

    def predictions_of(self, project: int, tasks: Iterable[int], model_version: str) -> dict[int, list[int]]:
        """Ids of the predictions of this version by task, oldest first; tasks without one are left out.

        Raises StudioUnreachable where the answer is not whole: taken for "no prediction" it would make doubles.
        """
        found: dict[int, list[int]] = {}
        for ids in chunks(sorted(set(tasks)), IDS_IN_QUERY):
            chosen = {"filter": "filter:tasks:id", "operator": "in_list", "type": "List", "value": list(ids)}
            versions = "filter:tasks:predictions_model_versions"
            ours = {"filter": versions, "operator": "contains", "type": "List", "value": [model_version]}
            for task in self.whole_page(project, [chosen, ours], len(ids), "id,predictions"):
                rows = [p["id"] for p in task["predictions"] if p["model_version"] == model_version]
                if rows:
                    found[task["id"]] = sorted(rows)
        return found

    def import_predictions(self, project: int, items: Sequence[Item]) -> list[Item]:
        """Store predictions; gives back those that Label Studio refused, for instance of a task deleted meanwhile.

        Each item is `{"task", "result", "score", "model_version"}`. Label Studio refuses a whole request for one bad
        item, so after a refusal the items of missing tasks are taken out, and if that was not it, the rest is halved
        until the bad items are alone.
        """
        refused: list[Item] = []
        for chunk in chunks(items, IMPORT_CHUNK):
            left_out = self._import(project, chunk)
            if left_out is None:
                there = self.existing_tasks(project, [item["task"] for item in chunk])
                refused += [item for item in chunk if item["task"] not in there]
                left_out = self._import_halved(project, [item for item in chunk if item["task"] in there])
            refused += [item for item in left_out if not self._created(item)]
        return refused

    def update_prediction(self, prediction: int, item: Item) -> None:
        """Renew a stored prediction in place; raises StudioMissing when somebody has deleted it."""
        body = {key: item[key] for key in ("result", "score", "model_version") if key in item}
        self.http.json("PATCH", f"api/predictions/{prediction}/", json=body)

    def update_predictions(self, items: Mapping[int, Item]) -> list[int]:
        """Renew many stored predictions, several at a time; ids of those that do not exist any more or were refused."""

        def update(pair: tuple[int, Item]) -> int | None:
            try:
                self.update_prediction(*pair)
            except StudioError as error:
                # Only an answer about this prediction is its own fault: a lost key or server is not.
                if type(error) not in (StudioError, StudioMissing):
                    raise
                return pair[0]
            return None

        with ThreadPoolExecutor(UPDATES_AT_ONCE, thread_name_prefix="update") as pool:
            return [gone for gone in pool.map(update, items.items()) if gone is not None]

    def has_prediction(self, project: int, task: int, model_version: str) -> bool:
        """Whether the task has a prediction of this version, asked for by itself."""
        try:
            rows = self.http.json("GET", "api/predictions/", params={"project": project, "task": task})
        except (StudioUnreachable, StudioForbidden):
            raise
        except StudioError:  # of a task or project that is gone it says that the choice is not valid
            return False
        return any(row.get("model_version") == model_version for row in list_of(rows, "a list of predictions"))

    def _import(self, project: int, items: Sequence[Item]) -> list[Item] | None:
        """Those of the items that were left out without a word, as 1.22 does with every brush mask; None where Label Studio
        refused them all."""
        try:
            answer = self.http.json("POST", f"api/projects/{project}/import/predictions", json=[dict(i) for i in items])
        except StudioError as error:
            # Only an answer about the content counts as refusal: a lost key or server is not the items' fault.
            if type(error) is not StudioError:
                raise
            return None
        created = answer.get("created") if isinstance(answer, dict) else None
        if not isinstance(created, int) or created >= len(items):
            return []
        if not created:
            return list(items)
        # Asked one by one: a list that lacks a prediction would have the task get a second one.
        return [item for item in items if not self.has_prediction(project, item["task"], item["model_version"])]

    def _import_halved(self, project: int, items: Sequence[Item]) -> list[Item]:
        """Those of the items that Label Studio refused or left out."""
        if not items:
            return []
        left_out = self._import(project, items)
        if left_out is not None:
            return left_out
        if len(items) == 1:
            return [items[0]]
        half = len(items) // 2
        return self._import_halved(project, items[:half]) + self._import_halved(project, items[half:])

    def _created(self, item: Item) -> bool:
        """Whether Label Studio takes an item by itself, where its import did not."""
        try:
            self.http.json("POST", "api/predictions/", json=dict(item))
        except StudioMissing:  # its task is gone meanwhile
            return False
        except StudioError as error:
            if type(error) is not StudioError:
                raise
            return False
        return True
