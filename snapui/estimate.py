"""How long a request will take on this machine, from times its workers measured."""

from collections.abc import Mapping

from engine.extension.plan import evaluations
from engine.request import GenerationRequest


def passes(request: GenerationRequest, stage: str) -> int:
    """Return how often one stage sends one clip through the network, over all drafts.

    stage: "base" or "upsampler". In the base stage guidance evaluates both branches; the upsampler
    always takes plain steps.
    """
    if stage == "upsampler":
        return request.drafts * request.upscale_steps
    branches = 2 if request.guidance > 0 else 1
    return branches * evaluations(request.drafts, request.steps, request.sampler)


def seconds(request: GenerationRequest, timings: Mapping[str, float]) -> float | None:
    """Return the seconds a request's drafts will take, or None before the first measurement."""
    return _stage_seconds(request, "base", timings)


def upscale_seconds(request: GenerationRequest, timings: Mapping[str, float]) -> float | None:
    """Return the seconds one upscale of a request will take, or None before the first one."""
    return _stage_seconds(request, "upsampler", timings)


def whole_seconds(request: GenerationRequest, timings: Mapping[str, float]) -> float | None:
    """Return the seconds of a request's drafts and, if it asks for them, of their upscales."""
    stages = [seconds, upscale_seconds] if request.upscale else [seconds]
    known = [stage(request, timings) for stage in stages]
    return None if None in known else sum(known)


def _stage_seconds(request: GenerationRequest, stage: str,
                   timings: Mapping[str, float]) -> float | None:
    measured = timings.get(f"{request.model}/{stage}")
    return None if measured is None else measured * passes(request, stage)


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
