"""Between Label Studio's regions and instances, both directions; one file for each control tag (`studio.tags`)."""

from backend.studio.regions.region import ReadResult, Regions, Size, TrackRegions, TracksRead

__all__ = ["ReadResult", "Regions", "Size", "TrackRegions", "TracksRead"]
