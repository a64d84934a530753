"""The door: one request in, its clips out."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from engine.cascade import Cascade, Listener, Prompts
from engine.catalog import ModelCard, find_model
from engine.errors import Cancelled, RequestError
from engine.progress import OnStep, ShouldStop
from engine.request import GenerationRequest
from engine.saved import SavedRuns
from engine.stage import SampleSettings
from engine.video import to_clips, to_frames

LOADED_MODELS = 2


@dataclass(frozen=True)
class GeneratedClip:
    """One finished clip.

    request: the single-draft request that makes it again. frames: uint8 (t, h, w, 3), upscaled if
    the request says so. draft_frames: uint8 (t, 36, 64, 3). notes: sentences the user should see.
    """

    request: GenerationRequest
    frames: np.ndarray
    draft_frames: np.ndarray
    notes: tuple[str, ...]
    model_hash: str


@dataclass(frozen=True)
class Start:
    """What is there before the work begins.

    draft_frames: uint8 (t, h, w, 3) of a draft made before; it is upscaled instead of a new one.
    work_folder: where the samplers' states are written, about once a second and when the work is
    stopped; the same work started again with this folder goes on to the same bits.
    """

    draft_frames: np.ndarray | None = None
    work_folder: Path | None = None


def generate(request: GenerationRequest, *, on_step: OnStep | None = None,
             should_stop: ShouldStop | None = None, models_directory: Path | None = None,
             device: str = "cpu", start: Start | None = None) -> list[GeneratedClip]:
    """Make the clips of a request, drafts together and upscales one by one.

    Raises: ModelError, RequestError, and Cancelled within one network evaluation.
    """
    card = find_model(request.model, models_directory)
    if request.upscale and card.upsampler_folder is None:
        raise RequestError(f"The model {card.name} has no upsampler: make drafts with it, "
                           "or choose another model.")
    cascade = _cascade(card.base_folder, card.upsampler_folder, card.weights_hash, device)
    start = start or Start()
    saved = None if start.work_folder is None else SavedRuns(
        start.work_folder, _work(request, card, device, start), cascade.base.device)
    notes = tuple(_notes(request, cascade))
    try:
        return [GeneratedClip(request.single(seed), large, small, notes, card.weights_hash)
                for seed, small, large in _frames(request, cascade, start,
                                                  Listener(on_step, should_stop, saved))]
    except Cancelled:
        if saved is not None:
            saved.flush()
        raise


def _frames(request: GenerationRequest, cascade: Cascade, start: Start,
            listener: Listener) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """Make each clip's seed, draft frames, and large frames (the draft's without an upscale)."""
    if start.draft_frames is None:
        drafts = cascade.draft(_prompts(request, request.draft_seeds), _settings(request),
                               listener)
    else:
        drafts = to_clips([start.draft_frames])
    for seed, draft in zip(request.draft_seeds, drafts, strict=False):
        small = large = to_frames(draft[None])[0]
        if request.upscale:
            large = to_frames(cascade.upscale(
                draft[None], _prompts(request, [seed]),
                SampleSettings(request.upscale_steps, guidance=0.0),
                request.upscale_noise, listener))[0]
        yield seed, small, large


def _work(request: GenerationRequest, card: ModelCard, device: str, start: Start) -> str:
    """Describe all that decides the bits of a request's clips."""
    draft = b"" if start.draft_frames is None else start.draft_frames.tobytes()
    return "\n".join([request.to_json(), card.weights_hash, device,
                      hashlib.sha256(draft).hexdigest()])


def preload(model: str, models_directory: Path | None = None, device: str = "cpu") -> ModelCard:
    """Load a model into memory ahead of its first request. Raises: ModelError."""
    card = find_model(model, models_directory)
    _cascade(card.base_folder, card.upsampler_folder, card.weights_hash, device)
    return card


@lru_cache(maxsize=LOADED_MODELS)
def _cascade(base: Path, upsampler: Path | None, weights_hash: str, device: str) -> Cascade:
    """Keep the last models loaded; changed weights have another hash."""
    return Cascade.load(base, upsampler, device)


def _prompts(request: GenerationRequest, seeds) -> Prompts:
    seeds = list(seeds)
    negative = [request.negative_prompt] * len(seeds) if request.negative_prompt.strip() else None
    return Prompts([request.prompt] * len(seeds), seeds, [request.fps] * len(seeds), negative)


def _settings(request: GenerationRequest) -> SampleSettings:
    return SampleSettings(request.steps, request.guidance, request.sampler, request.oscillating)


def _notes(request: GenerationRequest, cascade: Cascade):
    """Say which words of a prompt that is too long were used."""
    for label, text in (("prompt", request.prompt), ("negative prompt", request.negative_prompt)):
        used = cascade.encoder.used_words(text)
        if used != text:
            yield f'The {label} is too long for the model; it used only: "{used}".'
