"""How long a request will take on this machine, from times its workers measured."""

from collections.abc import Mapping

from engine.request import GenerationRequest

EVALUATIONS = {"heun": 2}


def evaluations(request: GenerationRequest, stage: str) -> int:
    """Return how often one stage sends one clip through the network, over all drafts.

    stage: "base" or "upsampler". Guidance evaluates twice, and so does every Heun step.
    """
    steps = request.steps if stage == "base" else request.upscale_steps
    branches = 2 if request.guidance > 0 else 1
    return request.drafts * steps * branches * EVALUATIONS.get(request.sampler, 1)


def seconds(request: GenerationRequest, timings: Mapping[str, float]) -> float | None:
    """Return the seconds a request will take, or None before the first measurement."""
    stages = ("base", "upsampler") if request.upscale else ("base",)
    total = 0.0
    for stage in stages:
        measured = timings.get(f"{request.model}/{stage}")
        if measured is None:
            return None
        total += measured * evaluations(request, stage)
    return total


def spoken(duration_seconds: float) -> str:
    """Return a duration as people say it: "8 s", "2 min 30 s", "1 h 5 min"."""
    whole = max(1, round(duration_seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        whole = round(whole, -1)
        rest = f" {whole % 60} s" if whole % 60 else ""
        return f"{whole // 60} min{rest}"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
