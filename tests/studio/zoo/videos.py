"""Videos of every kind: each frame tells its number, from 1; made with PyAV, which needs no ffmpeg installed."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from tests.studio.clips import numbered, write_video

FRAMES, RATE = 60, 25
AAC_RATE = 48_000


def plain(folder: Path, name: str = "plain.mp4", rate: int | Fraction = RATE, **options: object) -> Path:
    """60 frames with a codec keyframe each 20, B-frames where the codec has them."""
    return write_video(folder / name, [numbered(n) for n in range(1, FRAMES + 1)], rate, **options)  # type: ignore[arg-type]


def remuxed(
    source: Path, target: Path, shift: Fraction = Fraction(0), sound: Fraction | None = None, **options: str
) -> Path:
    """The same pictures, not encoded again, `shift` seconds later; packets that end before time 0 by an edit list.

    With `sound` a tone of so many seconds is added, from time 0. `options` are the muxer's.
    """
    with (
        av.open(str(source)) as old,
        av.open(str(target), "w", options={"avoid_negative_ts": "disabled", **options}) as new,
    ):
        pictures = old.streams.video[0]
        stream = new.add_stream_from_template(pictures)
        tone = new.add_stream("aac", rate=AAC_RATE) if sound else None
        if tone is not None and sound is not None:
            new.mux([packet for frame in _tone(sound) for packet in tone.encode(frame)] + tone.encode(None))
        kept = [packet for packet in old.demux(pictures) if packet.dts is not None]
        ticks = int(shift / pictures.time_base)
        # Like a trimmer: from the last codec keyframe before the first picture that is to be shown.
        begins = max((n for n, p in enumerate(kept) if p.is_keyframe and p.pts + ticks <= 0), default=0)
        for packet in kept[begins:]:
            packet.pts, packet.dts, packet.stream = packet.pts + ticks, packet.dts + ticks, stream
            new.mux(packet)
    return target


def damaged(source: Path, target: Path, *numbers: int) -> Path:
    """The same file in which some packets, counted from 1 in the order of the file, are noise behind their heads."""
    content = bytearray(source.read_bytes())
    noise = np.random.default_rng(0)
    with av.open(str(source)) as container:
        packets = [(p.pos, p.size) for p in container.demux(video=0) if p.size]
    for number in numbers:
        place, size = packets[number - 1]
        content[place + 5 : place + size] = noise.integers(0, 256, size - 5, np.uint8).tobytes()
    target.write_bytes(content)
    return target


def all_videos(folder: Path) -> dict[str, bytes]:
    """{name: file}"""
    frame = Fraction(1, RATE)
    source = plain(folder)
    webm = plain(folder, "plain.webm", codec="libvpx-vp9")
    made = [
        source, webm,
        plain(folder, "plain.mkv"), plain(folder, "ntsc.mp4", Fraction(30000, 1001)), plain(folder, "slow.mp4", 5),
        plain(folder, "turned90.mp4", turned=90),
        remuxed(source, folder / "fragmented.mp4", movflags="frag_keyframe+empty_moov"),
        remuxed(source, folder / "fragmented_late.mp4", 2 * frame, movflags="frag_keyframe+empty_moov"),
        remuxed(source, folder / "late.mp4", Fraction(1)),
        remuxed(source, folder / "late_half.mp4", Fraction(1, 2) * frame),
        remuxed(webm, folder / "late.webm", Fraction(1)),
        remuxed(source, folder / "sound_first.mp4", 2 * frame, sound=Fraction(3)),
        remuxed(source, folder / "with_sound.mp4", sound=Fraction(2)),
        *(remuxed(source, folder / f"cut{n}.mp4", -n * frame) for n in (5, 12, 20, 31)),
        remuxed(source, folder / "cut_between.mp4", -Fraction(25, 2) * frame),
        remuxed(source, folder / "cut_sound.mp4", -12 * frame, sound=Fraction(1)),
        remuxed(webm, folder / "cut.webm", -12 * frame),
    ]  # fmt: skip
    return {path.name: path.read_bytes() for path in made}


def _tone(seconds: Fraction) -> list[av.AudioFrame]:
    """Sine of 440 Hz."""
    samples = np.sin(2 * np.pi * 440 / AAC_RATE * np.arange(int(seconds * AAC_RATE))).astype(np.float32) * 0.1
    frames = []
    for start in range(0, len(samples), 1024):
        frame = av.AudioFrame.from_ndarray(samples[None, start : start + 1024], format="fltp", layout="mono")
        frame.rate, frame.pts, frame.time_base = AAC_RATE, start, Fraction(1, AAC_RATE)
        frames.append(frame)
    return frames
