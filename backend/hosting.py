"""The backend hosted by label-studio-ml 2.x instead of our own server.

That framework is on its git host only (README.md beside this file, "Hosting under label-studio-ml"); without it this
module does not import. A `micro-models worker` must run beside it, with the same settings: the framework has none. It
forwards four kinds of events only; what it keeps back is found by the worker's comparison with Label Studio.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from label_studio_ml.model import LabelStudioMLBase

from backend.hooks import MicroModelBackend
from backend.loop.predict.on_demand import Predictor
from backend.loop.services import Services
from backend.process import open_services
from backend.settings import load_settings
from backend.studio import project_key


@cache
def _rooms() -> tuple[Services, Predictor]:
    """Made at the first request, once for each process of the framework."""
    services = open_services(load_settings())
    return services, Predictor(services)


class HostedMicroModelBackend(LabelStudioMLBase):  # type: ignore[misc]
    """Hands the framework's calls to a MicroModelBackend."""

    def setup(self) -> None:
        """Called by the framework for each request."""
        if self._project() is not None:
            self.set("model_version", self._backend().setup_project(self.extra_params))

    def predict(
        self, tasks: Sequence[Mapping[str, Any]], context: Mapping[str, Any] | None = None, **kwargs: Any
    ) -> list[Any]:
        """See MicroModelBackend.predict."""
        return self._backend().predict(tasks, context or None, **kwargs)

    def fit(self, event: str, data: Mapping[str, Any], **kwargs: Any) -> dict[str, str]:
        """See MicroModelBackend.fit."""
        return self._backend().fit(event, data, **kwargs)

    def _backend(self) -> MicroModelBackend:
        return MicroModelBackend(*_rooms(), self._project(), self.get("label_config"))

    def _project(self) -> int | None:
        """The framework writes 'None' where Label Studio names no project."""
        return None if self.project_id in ("", "None") else project_key.parse(self.project_id)
