"""The kinds of scenes that the labelled groups show, and two halves of them that are alike.

What is chosen on one half (a constant, a mechanism) is reported on the other, and the other way round. Within a head, groups
alternate between the halves in the order of this table, so that each kind, and each head, is split evenly. Groups of the same
pictures are in one half.
"""

from backend.types import Head

FILM, GAPS, SEVERAL, IMAGES = "one thing, film", "comes and goes, film", "several alike, film", "set of images, crowded"
SLICES, PICKED, GESTURES = "slices of a volume", "picked frames of a film", "gestures"

KINDS: dict[Head, dict[str, tuple[str, ...]]] = {
    Head.DETECTION: {
        FILM: ("otb_crossing", "otb_dragonbaby", "otb_human3", "uav_person12", "uav_wakeboard10"),
        # pets_red_jacket and pets_s3mf1 are the same film with other labels.
        GAPS: ("pets_red_jacket", "highway_gaps"),
        SEVERAL: ("birds_harbour", "ir_birds", "pets_s3mf1", "tud_campus"),
        IMAGES: ("nuclei_many", "blood_cells"),
    },
    Head.SEGMENTATION: {
        FILM: ("davis_blackswan", "davis_bmx_trees", "davis_car_roundabout", "davis_dance_twirl"),
        SLICES: ("em_membrane", "em_mitochondria", "la_mri_a"),
    },
    Head.POSE: {
        FILM: ("human_dance",),
        SEVERAL: ("flies_pair",),
        PICKED: ("mouse_mirror", "mouse_openfield"),
    },
    Head.CLASSIFICATION: {
        GESTURES: ("asl_letters", "drone_gestures"),
        PICKED: ("mouse_heading", "mirror_obstacle"),
        SLICES: ("la_slices_c",),
    },
}
"""{head: {kind: groups}}."""


def kind_of(head: Head, group: str) -> str:
    """What a group shows; LookupError where the table lacks it."""
    for kind, groups in KINDS[head].items():
        if group in groups:
            return kind
    raise LookupError(f"No kind of scene is known of {head} group {group!r}: add it to {__file__}.")


def half_of(head: Head, group: str) -> int:
    """0 or 1; LookupError where the table lacks the group."""
    kind_of(head, group)
    return [name for groups in KINDS[head].values() for name in groups].index(group) % 2
