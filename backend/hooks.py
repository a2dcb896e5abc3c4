"""The two hooks of an ML backend, with the names and signatures of label-studio-ml 2.x's `LabelStudioMLBase`.

Our own server calls them; `backend.hosting` lets that framework call them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from backend.errors import StudioError
from backend.loop.data.projects import project_of, setup
from backend.loop.events.draining import receive
from backend.loop.predict.on_demand import Predictor
from backend.loop.predict.prompted import no_object
from backend.loop.services import Services
from backend.studio import events
from backend.studio.prompts import is_prompt


class MicroModelBackend:
    """One project's view of the service; light, made for each request."""

    def __init__(
        self, services: Services, predictor: Predictor, project: int | None, label_config: str | None = None
    ) -> None:
        self._services = services
        self._predictor = predictor
        self._project = project
        self._config = label_config

    def setup_project(self, extra_params: Any = None, host: str = "") -> str:
        """Take note of the project; returns the model version to show for it. `host` is what Label Studio calls us."""
        if self._project is None:
            raise StudioError("Label Studio names no project. Expected its number, or '<id>.<created>'.")
        version = setup(self._services, self._project, self._config or "", extra_params, host)
        self._predictor.prompter.warm_up(self._config or "")
        return version

    def predict(
        self, tasks: Sequence[Mapping[str, Any]], context: Mapping[str, Any] | None = None, **kwargs: Any
    ) -> list[Any]:
        """As many answers as tasks, in order: `{"result", "score", "model_version"}`, or `[]` for "no prediction".

        With a `context` (somebody draws with a smart tool) there is always an object, which the editor needs: the one
        object that was pointed at. Where no project is named, as in label-studio-ml's own tests, the one with this
        labeling config answers; else nobody, `{}`.
        """
        nothing: Any = [] if context is None else no_object()
        project = self._project
        if project is None and (project := project_of(self._services, self._config)) is None:
            return [{} if context is None else nothing for _ in tasks]
        if is_prompt(context):
            if len(tasks) != 1:  # nobody draws in several
                return [nothing for _ in tasks]
            return [self._predictor.prompter.answer(project, events.task_of(tasks[0]), context or {}, self._config)]
        answers = self._predictor.predict(project, [events.task_of(task) for task in tasks], self._config)
        return [nothing if answer is None else answer for answer in answers]

    def fit(self, event: str, data: Mapping[str, Any], *, vouched: bool = False, **kwargs: Any) -> dict[str, str]:
        """Keep an event and return at once: it is recorded in a moment, and training happens in a worker.

        `vouched`: the caller showed a secret that holds for any project, so that it may tell of one that is not known.
        """
        return {"status": receive(self._services, {**data, "action": event}, vouched)}
