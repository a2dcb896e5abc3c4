"""What one clip teaches the parent: how wrong rows that are fitted to half of its frames are on the other half."""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from backend.learning.colour import recolour
from backend.learning.heads.base import EXACT, Crop
from backend.learning.heads.detection import targets
from backend.learning.heads.pose import Targets, bumps
from backend.learning.heads.segmentation import STRIDE
from backend.learning.parent.clips import Asked, Clip, Shot
from backend.learning.parent.network import ParentNetwork
from backend.learning.parent.rows import balanced, crossed

SURE = 4.0
"""Logit that rows are fitted to, either way."""
SHARP = 6.0
"""The same for keypoints, which are one cell among thousands."""
POSITIVE = 0.3
"""Share of what is asked for in the weight of all cells."""
UNSEEN = 8.0
"""Typical side where a clip shows no object, pixels."""

Losses = dict[str, Tensor]


def losses(network: ParentNetwork, clip: Clip, rng: np.random.Generator) -> Losses:
    """By what is asked for."""
    device = network.device
    raw = [torch.from_numpy(shot.image).permute(2, 0, 1).to(device).float() / 255 for shot in clip.shots]
    images = torch.stack([recolour(image, rng) for image in raw]).contiguous(memory_format=torch.channels_last)
    if clip.asked is Asked.POINTS:
        return {"points": of_points(network, clip, images)}
    features = network.pyramid(network.features(images, 0.0))
    found = {"masks": of_masks(network, clip, features, images)}
    if clip.asked is not Asked.STRUCTURE:
        found["boxes"] = of_boxes(network, clip, features, images)
    return found


def of_boxes(network: ParentNetwork, clip: Clip, features: Tensor, images: Tensor) -> Tensor:
    """Detection's loss, with a row for each of the clip's labels."""
    head = network.head
    crops = [_crop(shot, image) for shot, image in zip(clip.shots, images, strict=True)]
    x = functional.relu(head.shared(features))
    heat, ignore, *_ = (t.to(x.device) for t in targets(crops, clip.labels, (x.shape[2], x.shape[3])))
    weight = balanced(heat.amax(1), POSITIVE) * (1 - ignore[:, 0])
    logits = crossed(x, SURE * (2 * heat - 1), weight, _shared(head.heat, clip.labels))
    head.labels, head.base = clip.labels, _half(clip).to(x.device)
    return head.loss(torch.cat([logits, head.sides(x)], 1), crops)


def of_masks(network: ParentNetwork, clip: Clip, features: Tensor, images: Tensor) -> Tensor:
    """Segmentation's loss, with rows for each of the clip's labels."""
    head = network.masks
    masks = torch.from_numpy(np.stack([shot.masks for shot in clip.shots])).to(images.device).float()
    x = head.fused(features, images)
    wanted = functional.pixel_unshuffle(masks, STRIDE)
    weight = balanced(wanted.amax(1), POSITIVE)
    shared = _shared(head.out, clip.labels)
    logits = functional.pixel_shuffle(crossed(x, SURE * (2 * wanted - 1), weight, shared), STRIDE)
    return head.loss(logits, masks, torch.ones_like(masks))


def of_points(network: ParentNetwork, clip: Clip, images: Tensor) -> Tensor:
    """Pose's loss, with a row for each of the clip's keypoints."""
    head = network.points
    wanted = _points(clip, images.device)
    x = functional.relu(head.shared(network.pyramid(network.features(images))))
    shape = (x.shape[2], x.shape[3])
    place = bumps(wanted, shape)[..., :-1].view(len(images), clip.keypoints, *shape)
    place = place / place.amax((2, 3), keepdim=True).clamp_min(1e-6)
    weight = balanced(place.amax(1), POSITIVE)
    logits = crossed(x, SHARP * (2 * place - 1), weight, _shared(head.heat, clip.keypoints))
    return head.loss(logits, wanted)


def _crop(shot: Shot, image: Tensor) -> Crop:
    boxes = np.array([one.box for one in shot.seen], np.float32).reshape(-1, 4)
    labels = np.array([one.label for one in shot.seen], np.int64)
    return Crop(image, boxes, labels, shot.doubtful, np.full(len(boxes), EXACT, np.float32))


def _points(clip: Clip, device: torch.device) -> Targets:
    """Of the object in the middle; a frame that lacks it teaches nothing."""
    places = np.zeros((len(clip.shots), clip.keypoints, 2), np.float32)
    present = np.zeros((len(clip.shots), clip.keypoints), bool)
    weight = np.zeros((len(clip.shots), clip.keypoints), np.float32)
    for i, shot in enumerate(clip.shots):
        if shot.seen:
            places[i], present[i], weight[i] = shot.seen[0].points, shot.seen[0].present, 1.0
    return Targets(*(torch.from_numpy(part).to(device) for part in (places, present, weight)))


def _shared(row: torch.nn.Conv2d, labels: int) -> Tensor:
    """(labels * rows, c + 1): the head's own rows of one label, bias last, once for each label."""
    if row.bias is None:
        raise ValueError("A row without bias.")
    flat = torch.cat([row.weight.flatten(1), row.bias[:, None]], 1)
    return flat.repeat(labels, 1)


def _half(clip: Clip) -> Tensor:
    """(4, 1, 1) half the sides of a typical object, as a micro-model's plan has them."""
    boxes = [one.box for shot in clip.shots for one in shot.seen]
    sides = np.median([(x1 - x0, y1 - y0) for x0, y0, x1, y1 in boxes], 0) if boxes else np.full(2, UNSEEN)
    return torch.tensor(np.maximum([*sides, *sides], 2.0), dtype=torch.float32).view(4, 1, 1) / 2
