"""What the buttons do."""

from collections.abc import Mapping
from contextlib import suppress

from backend.errors import StudioUnreachable
from backend.loop import versions
from backend.loop.accepting import accept_all
from backend.loop.disconnect import disconnect_project
from backend.loop.forget import forget_project
from backend.loop.services import Services

DONE = {
    "train": "Training is asked for. It starts as soon as a worker is free.",
    "rollback": "The version before serves again, and is pinned. The predictions are being renewed.",
    "pin": "Pinned: it goes on serving, whatever trainings end, until you lift the pin.",
    "unpin": "The pin is lifted, and a training asked for.",
    "accept": "Accepted. Label Studio has made annotations of the predictions.",
    "disconnect": "Disconnected. Labels and versions are kept; nothing is trained or published any more.",
    "forget": "The project is forgotten, with its models.",
}
"""What is said when a button has done its work."""


class Refused(Exception):
    """The form asks for nothing that there is; no button sends it."""


def act(services: Services, project: int, form: Mapping[str, str]) -> str:
    """Do what a form's button asks for; which one it was. Raises RegistryError where it is not possible."""
    do, group, control = form.get("do", ""), form.get("group"), form.get("control") or None
    number = form.get("number", "")
    if do == "train":
        versions.train_now(services, project, group)
    elif do in ("disconnect", "forget"):
        _part(services, project, do, form)
    elif group is None:
        raise Refused(f"The form asks for {do!r} and names no group.")
    elif do == "accept":
        _sure(do, form)
        accept_all(services, project, group)
    elif do == "rollback":
        versions.rollback(services, project, group, control)
    elif do == "pin":
        if not (number.isascii() and number.isdigit() and len(number) < 10):
            raise Refused(f"The form's version number is {number!r}, expected digits.")
        versions.pin(services, project, group, control, int(number))
    elif do == "unpin":
        versions.unpin(services, project, group, control)
    else:
        raise Refused(f"The form asks for {do!r}, expected one of: {', '.join(DONE)}.")
    return do


def _part(services: Services, project: int, do: str, form: Mapping[str, str]) -> None:
    """Disconnect a project, or forget it, once somebody has confirmed it."""
    _sure(do, form)
    if do == "disconnect":
        disconnect_project(services, project)
        return
    # Label Studio may be away for good, which is a reason to forget the project.
    with suppress(StudioUnreachable):
        disconnect_project(services, project)
    forget_project(services, project)


def _sure(do: str, form: Mapping[str, str]) -> None:
    if form.get("sure") != do:
        raise Refused(f"Nothing was done: the box that confirms {do!r} was not ticked.")
