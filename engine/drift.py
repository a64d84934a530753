"""How a long clip drifts: measures per frame, a warning in words, and two remedies.

Frames are uint8 (t, h, w, 3) RGB; measures are fractions of the full range. Frames are looked at
one by one, so that a long clip needs no more memory than its frames.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

import numpy as np

LUMA = np.array([0.2126, 0.7152, 0.0722])    # BT.709
MOST_GAIN = 4.0
VISIBLE_JUMP = 1.25    # times the median change, at a join
LOOP_JUMP = 1.0    # the same where a loop closes, which is seen again and again
ANOTHER_SEED = "make it again with another seed"
DISSOLVE_SECONDS = 0.5
NAMED_SEAMS = 3    # in a sentence that may be about dozens
LEAST_CHANGE = 1 / 255 / 10    # that counts as one: of a still clip anything would be a jump
MEASURED_HEIGHT = 144  # larger frames are thinned out before they are measured


@dataclass(frozen=True)
class Measures:
    """What drifts, each (t,) float.

    brightness: mean luma. saturation: mean of largest less smallest channel. sharpness: root mean
    square difference of neighbouring pixels. motion: mean change since the frame before, first 0.
    """

    brightness: np.ndarray
    saturation: np.ndarray
    sharpness: np.ndarray
    motion: np.ndarray


# How far outside the first segment's range a measure may go: of the full range, of the range's end.
TOLERANCES = {"brightness": (0.02, 0.0), "saturation": (0.02, 0.0),
              "sharpness": (0.0, 0.25), "motion": (0.0, 0.5)}
WORDS = {"brightness": ("brighter", "darker"), "saturation": ("more colourful", "paler"),
         "sharpness": ("sharper", "softer"), "motion": ("livelier", "stiller")}


def thinned(frames: np.ndarray) -> np.ndarray:
    """Return frames small enough to be measured quickly, by leaving out rows and columns."""
    step = max(1, frames.shape[1] // MEASURED_HEIGHT)
    return frames[:, ::step, ::step]


def measure(frames: np.ndarray) -> Measures:
    """Return the measures of every frame."""
    rows, before = [], None
    for frame in frames:
        values = frame / 255.0
        across, down = np.diff(values, axis=1), np.diff(values, axis=0)
        edges = np.sqrt((np.square(across).sum() + np.square(down).sum())
                        / max(1, across.size + down.size))
        moved = 0.0 if before is None else np.abs(values - before).mean()
        spread = values.max(axis=-1) - values.min(axis=-1)
        rows.append(((values @ LUMA).mean(), spread.mean(), edges, moved))
        before = values
    return Measures(*np.array(rows, float).reshape(-1, 4).T)


def join_jumps(measures: Measures, joins: Sequence[int]) -> np.ndarray:
    """Return the change into each join's first frame, in medians of the changes elsewhere.

    joins: first frames after a join, from 1.
    """
    elsewhere = np.ones(len(measures.motion), bool)
    elsewhere[[0, *joins]] = False
    usual = np.median(measures.motion[elsewhere]) if elsewhere.any() else 0.0
    return measures.motion[list(joins)] / max(usual, LEAST_CHANGE)


def loop_jump(frames: np.ndarray, measures: Measures) -> float:
    """Return the change from the last frame to the first, in medians of the changes between."""
    closing = np.abs(frames[0] / 255.0 - frames[-1] / 255.0).mean()
    usual = np.median(measures.motion[1:]) if len(frames) > 1 else 0.0
    return float(closing / max(usual, LEAST_CHANGE))


def loop_warnings(frames: np.ndarray, measures: Measures) -> list[str]:
    """Return a sentence if a loop shows where it closes."""
    jump = loop_jump(frames, measures)
    if round(jump, 1) <= LOOP_JUMP:    # as it would be told
        return []
    return [f"The loop shows where it closes: the picture changes {jump:.1f} times as much there "
            f"as usual; {ANOTHER_SEED}."]


def drift_warnings(measures: Measures, first_frames: int, fps: float,
                   joins: Sequence[int] = (), remedy: str = ANOTHER_SEED) -> list[str]:
    """Return a sentence for each measure that leaves the range of the first segment, and jump.

    first_frames: how many frames the first segment has. remedy: what helps against a jump, where
    this is shown. Measures are averaged over a second, so that single frames do not warn.
    """
    found = [sentence for spec in fields(Measures)
             if (sentence := _left_range(spec.name, getattr(measures, spec.name), first_frames,
                                         fps))]
    for join, jump in zip(joins, join_jumps(measures, joins), strict=True):
        if jump > VISIBLE_JUMP:
            found.append(f"The join at {join / fps:.2f} s shows: the picture changes {jump:.1f} "
                         f"times as much there as usual; {remedy}.")
    return found


def seam_warnings(measures: Measures, seams: Sequence[int], fps: float,
                  joins: Sequence[int] = ()) -> list[str]:
    """Return a sentence if the clip jumps where windows meet inside a segment.

    seams: first frames of a window's work, from 1. joins: those between segments, which have
    sentences of their own.
    """
    jumps = join_jumps(measures, [*joins, *seams])[len(joins):]
    shown = [seam for seam, jump in zip(seams, jumps, strict=True) if jump > VISIBLE_JUMP]
    if not shown:
        return []
    where = ", ".join(f"{seam / fps:.2f} s" for seam in shown[:NAMED_SEAMS])
    where += ", ..." if len(shown) > NAMED_SEAMS else ""
    return [f"At {len(shown)} of the {len(seams)} places where windows meet inside a segment the "
            f"picture jumps ({where}): it changes up to {jumps.max():.1f} times as much as usual "
            "there; make the segment again with another seed."]


def match_colour(frames: np.ndarray, first_frames: int, fps: float) -> np.ndarray:
    """Return a clip whose colours stay those of its first segment.

    Each channel's mean and deviation, averaged over a second, are brought to the first segment's,
    whose own frames stay as they are. Beyond it a change of place or light is undone too.
    """
    if len(frames) <= first_frames:
        return frames.copy()
    statistics = np.array([(frame.mean(axis=(0, 1)), frame.std(axis=(0, 1))) for frame in frames])
    target_mean, target_deviation = statistics[:first_frames].mean(0)                   # (c)
    # Later frames alone: an average over the join would leave a sudden change half of itself.
    later = _over_a_second(statistics[first_frames:], fps)                              # (t, 2, c)
    gain = (target_deviation / np.maximum(later[:, 1], 1.0)).clip(1 / MOST_GAIN, MOST_GAIN)
    matched = frames.copy()
    for number, (mean, _) in enumerate(later):
        frame = frames[first_frames + number]
        values = (frame - mean) * gain[number] + target_mean
        matched[first_frames + number] = np.rint(values).clip(0, 255)
    return matched


def cross_dissolve(frames: np.ndarray, joins: Sequence[int], fps: float) -> np.ndarray:
    """Spread the jumps at joins over DISSOLVE_SECONDS, as long a clip and every frame at its time.

    On either side a frame takes a share of the frame across the join: nearly half beside it, less
    with every frame further away, so that a shared frame is only a few frames from its own time.
    Of the jump stays one part in twice the frames a side, and the changes beside it take the rest.
    joins: first frames after those that show. The clip's first and last frames stay, so that a
    loop stays one.
    Returns: uint8 (t, h, w, 3).
    """
    dissolved = frames.copy()
    ends = [1, *joins, len(frames) - 1]
    for number, join in enumerate(joins, start=1):
        room = min((join - ends[number - 1]) // (1 if number == 1 else 2),
                   (ends[number + 1] - join) // (1 if number == len(joins) else 2))
        reach = min(max(1, round(DISSOLVE_SECONDS / 2 * fps)), room)
        for away in range(reach):
            share = (reach - away - 0.5) / (2 * reach)
            for at, across in ((join + away, join - 1), (join - 1 - away, join)):
                dissolved[at] = np.rint((1 - share) * frames[at] + share * frames[across])
    return dissolved


def eased_end(frames: np.ndarray) -> np.ndarray:
    """Return the last frame of a loop, moved towards the first so that it closes gently, (h, w, 3).

    Only as far as the jump between them is larger than the median change.
    """
    seen = thinned(frames)
    jump = loop_jump(seen, measure(seen))
    if jump < LOOP_JUMP + 1e-6:    # a mean is never exact
        return frames[-1]
    # The difference rounds towards nothing, so that the jump is no larger than it should be.
    away = np.trunc(LOOP_JUMP / jump * (frames[-1].astype(float) - frames[0]))
    return (frames[0] + away).astype(np.uint8)


def _left_range(name: str, values: np.ndarray, first_frames: int, fps: float) -> str:
    """Return a sentence if a measure leaves the first segment's range, else nothing."""
    skipped = 1 if name == "motion" else 0    # the first frame has no change
    first = values[skipped:max(first_frames, skipped + 1)]
    if not first.size or len(values) <= first_frames:
        return ""
    absolute, relative = TOLERANCES[name]
    low, high = first.min(), first.max()
    later = _over_a_second(values[skipped:], fps)[max(0, first_frames - skipped):]
    above = np.flatnonzero(later > high * (1 + relative) + absolute)
    below = np.flatnonzero(later < low * (1 - relative) - absolute)
    if not above.size and not below.size:
        return ""
    is_above = not below.size or (above.size > 0 and above[0] < below[0])
    where = (above if is_above else below)[0]
    word = WORDS[name][0 if is_above else 1]
    seconds = (first_frames + where) / fps
    return (f"From {seconds:.1f} s on the clip is {word} than its first segment ever is "
            f"({later[where]:.2f} against {low:.2f} to {high:.2f}).")


def _over_a_second(values: np.ndarray, fps: float) -> np.ndarray:
    """Return running means over a second, (t, ...), shorter at the ends."""
    reach = max(0, round(fps / 2))
    sums = np.concatenate((np.zeros_like(values[:1]), np.cumsum(values, axis=0)))
    ends: Iterator[tuple[int, int]] = ((max(0, at - reach), min(len(values), at + reach + 1))
                                       for at in range(len(values)))
    return np.array([(sums[end] - sums[start]) / (end - start) for start, end in ends])
