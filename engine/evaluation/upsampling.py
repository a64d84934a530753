"""What the upsampler adds: sharpness and nearness to the truth against plain enlargement."""

from collections.abc import Mapping

import numpy as np
import torch
import torch.nn.functional as F

from engine.evaluation import metrics
from engine.evaluation.eta import Eta, Say
from engine.evaluation.exam import Cast, Exam
from engine.evaluation.judge import FRAMES, HEIGHT, WIDTH, Judge
from engine.evaluation.makers import Enlarger
from engine.evaluation.report import ASKED
from engine.storybook.world import render


def examine_upsampler(enlarge: Enlarger, exam: Exam, drafts: np.ndarray,
                      judging: tuple[Judge, Cast], tell: Say) -> dict:
    """Enlarge true small clips and drafts, one at a time, and measure both.

    drafts: uint8 (n, t, h, w, 3), answers to the exam's first n captions. Returns: means over n.
    """
    judge, cast = judging
    eta = Eta("Enlarging clips", 2 * len(drafts), tell)
    figures, back = [], []
    for index, draft in enumerate(drafts):
        words = ([exam.captions[index]], [exam.noise_seeds(0)[index]], [exam.fps[index]])
        low = exam.true[0, index]
        of_true = enlarge(low[None], *words)[0]
        eta.advance()
        of_draft = enlarge(draft[None], *words)[0]
        eta.advance()
        times = np.arange(FRAMES) / exam.fps[index]
        truth = render(exam.scenes[0][index], cast, times, *of_true.shape[1:3])
        back.append(shrunk(of_draft))
        figures.append(_of_one(low, of_true, truth) | _of_draft(draft, of_draft, back[-1]))
    means = {key: float(np.mean([f[key] for f in figures])) for key in figures[0]}
    subjects = exam.subjects[:len(drafts)]
    return {"clips": len(drafts)} | means | {"accuracy": {
        kind: _accuracy(judge.verdicts(clips, cast, subjects).words, exam)
        for kind, clips in (("draft", drafts), ("upscaled", np.stack(back)))}}


def _of_one(low: np.ndarray, large: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Compare the enlargement of a true small clip with the true large one."""
    plain = bicubic(low, *truth.shape[1:3])
    return {
        "psnr_upscaled_true": metrics.psnr(large, truth),
        "psnr_bicubic_true": metrics.psnr(plain, truth),
        "gradient_upscaled_true": metrics.gradient_energy(large),
        "gradient_bicubic_true": metrics.gradient_energy(plain),
        "gradient_truth": metrics.gradient_energy(truth),
        "flicker_upscaled_true": metrics.flicker(large),
        "flicker_bicubic_true": metrics.flicker(plain),
        "flicker_truth": metrics.flicker(truth)}


def _of_draft(draft: np.ndarray, large: np.ndarray, back: np.ndarray) -> dict[str, float]:
    """Compare the enlargement of a draft with the draft."""
    return {
        "psnr_upscaled_draft_shrunk": metrics.psnr(back, draft),
        "gradient_upscaled_draft": metrics.gradient_energy(large),
        "gradient_bicubic_draft": metrics.gradient_energy(bicubic(draft, *large.shape[1:3]))}


def _accuracy(words: Mapping[str, tuple[str, ...]], exam: Exam) -> dict[str, float]:
    return {name: metrics.accuracy(words[name], exam.asked(name)[:len(words[name])])
            for name in ASKED}


def bicubic(frames: np.ndarray, height: int, width: int) -> np.ndarray:
    """Enlarge uint8 (t, h, w, 3) frame by frame."""
    return _resized(frames, (height, width), mode="bicubic", align_corners=False)


def shrunk(frames: np.ndarray) -> np.ndarray:
    """Average uint8 (t, h, w, 3) down to the size of a draft."""
    return _resized(frames, (HEIGHT, WIDTH), mode="area", align_corners=None)


def _resized(frames: np.ndarray, size: tuple[int, int], *, mode: str,
             align_corners: bool | None) -> np.ndarray:
    pictures = torch.from_numpy(frames.astype(np.float32)).permute(0, 3, 1, 2)
    pictures = F.interpolate(pictures, size, mode=mode, align_corners=align_corners)
    return pictures.round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).numpy()


def upsampler_table(result: dict) -> str:
    """Lay the upsampler's figures out as text."""
    cell = "{:<26}{:>12}{:>12}{:>12}".format
    r = {k: f"{v:.3g}" if k.startswith(("gradient", "flicker")) else f"{v:.2f}"
         for k, v in result.items() if isinstance(v, float)}
    lines = [
        cell("", "upscaled", "bicubic", "truth"),
        cell("PSNR of a true clip, dB", r["psnr_upscaled_true"], r["psnr_bicubic_true"], ""),
        cell("gradient energy, true", r["gradient_upscaled_true"], r["gradient_bicubic_true"],
             r["gradient_truth"]),
        cell("flicker, true", r["flicker_upscaled_true"], r["flicker_bicubic_true"],
             r["flicker_truth"]),
        cell("gradient energy, draft", r["gradient_upscaled_draft"], r["gradient_bicubic_draft"],
             ""),
        cell("shrunk against draft, dB", r["psnr_upscaled_draft_shrunk"], "", "")]
    for name in ASKED:
        pair = (f"{result['accuracy'][kind][name]:.1%}" for kind in ("upscaled", "draft"))
        lines.append(cell(f"{name}, upscaled / draft", *pair, ""))
    return "\n".join(lines)
