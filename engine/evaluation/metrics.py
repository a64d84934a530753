"""Figures for clips: pure functions of arrays, float64, each with a closed form to test against.

Pixels are uint8 (t, h, w, 3), taken as 0..1; features are (n, width) of the judge.
"""

from collections.abc import Sequence

import numpy as np

PATCH = 4


def accuracy(answers: Sequence[str], asked: Sequence[str]) -> float:
    """Return the share of answers that are what was asked for."""
    return float(np.mean([a == b for a, b in zip(answers, asked, strict=True)]))


def confusion(answers: Sequence[str], asked: Sequence[str]) -> dict[str, dict[str, int]]:
    """Count answers: asked -> answer -> count, most frequent first."""
    table: dict[str, dict[str, int]] = {}
    for answer, wish in zip(answers, asked, strict=True):
        row = table.setdefault(wish, {})
        row[answer] = row.get(answer, 0) + 1
    return {wish: dict(sorted(row.items(), key=lambda item: -item[1]))
            for wish, row in sorted(table.items())}


def overlap(first: Sequence[str], second: Sequence[str]) -> float:
    """Return how much the shares of words in two lists have in common, 0..1."""
    words = {*first, *second}
    return float(sum(min(list(first).count(w) / len(first), list(second).count(w) / len(second))
                     for w in words))


def frechet_distance(first: np.ndarray, second: np.ndarray) -> float:
    """Return the Frechet distance between Gaussians fitted to two sets of features (n, width)."""
    return gaussian_frechet((first.mean(axis=0), np.cov(first, rowvar=False)),
                            (second.mean(axis=0), np.cov(second, rowvar=False)))


def gaussian_frechet(first: tuple[np.ndarray, np.ndarray],
                     second: tuple[np.ndarray, np.ndarray]) -> float:
    """Return |m1 - m2|^2 + Tr(S1 + S2 - 2 (S1 S2)^1/2) of two (mean, covariance).

    (S1 S2)^1/2 has the trace of (R S2 R)^1/2 with R = S1^1/2, which is symmetric.
    """
    (mean1, cov1), (mean2, cov2) = first, second
    values, vectors = np.linalg.eigh(np.atleast_2d(cov1))
    root = (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T
    inner = np.linalg.eigvalsh(root @ np.atleast_2d(cov2) @ root)
    cross = np.sqrt(np.clip(inner, 0, None)).sum()
    gap = np.square(np.atleast_1d(mean1) - np.atleast_1d(mean2)).sum()
    total = gap + np.trace(np.atleast_2d(cov1)) + np.trace(np.atleast_2d(cov2)) - 2 * cross
    return float(max(total, 0.0))


def motion_energy(clip: np.ndarray) -> float:
    """Return the mean squared change from frame to frame of a clip (t, h, w, 3)."""
    return float(np.square(np.diff(_unit(clip), axis=0)).mean())


def gradient_energy(clip: np.ndarray) -> float:
    """Return the mean squared difference between neighbours, down plus across: sharpness."""
    unit = _unit(clip)
    return float(sum(np.square(np.diff(unit, axis=axis)).mean() for axis in (1, 2)))


def flicker(clip: np.ndarray) -> float:
    """Return how much frames of uint8 (t, h, w, c) leave the course of their neighbours.

    The mean square of the second difference over time: even motion of a smooth picture has little.
    """
    unit = _unit(clip)
    return float(np.mean((unit[2:] - 2 * unit[1:-1] + unit[:-2]) ** 2))


def psnr(clip: np.ndarray, truth: np.ndarray) -> float:
    """Return the peak signal-to-noise ratio in decibels; infinite for equal clips."""
    error = np.square(_unit(clip) - _unit(truth)).mean()
    return float(np.inf if error == 0 else -10 * np.log10(error))


def patch_border_ratio(clips: np.ndarray, patch: int = PATCH) -> float:
    """Return gradient energy over patch borders by that inside patches; 1 shows no grid.

    clips: (..., t, h, w, 3), one or many; both axes count. A flat clip gives 1.
    """
    border = inside = 0.0
    for clip in clips.reshape(-1, *clips.shape[-4:]):
        unit = _unit(clip)
        for axis in (1, 2):
            energy = np.square(np.diff(unit, axis=axis)).mean(axis=(0, 3 - axis, 3))
            on_border = np.arange(1, len(energy) + 1) % patch == 0
            border += energy[on_border].mean()
            inside += energy[~on_border].mean()
    return float(border / inside) if inside else 1.0


def diversity(takes: np.ndarray) -> float:
    """Return the mean distance between answers to one question.

    takes: (seeds, n, ...) with at least two seeds. The root mean square difference of every pair
    of seeds, averaged over pairs and over n.
    """
    gaps = []
    for column in range(takes.shape[1]):
        flat = takes[:, column].reshape(len(takes), -1).astype(np.float64)
        gaps += [np.sqrt(np.square(flat[i] - flat[j]).mean())
                 for i in range(len(flat)) for j in range(i)]
    return float(np.mean(gaps))


def _unit(clip: np.ndarray) -> np.ndarray:
    return np.asarray(clip, dtype=np.float64) / 255
