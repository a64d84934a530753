"""The door: one request in, its clips out."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from engine.backends import HERE, Place
from engine.cascade import Cascade, Listener, Prompts
from engine.catalog import ModelCard, find_model
from engine.drift import drift_warnings, loop_warnings, measure, seam_warnings, thinned
from engine.errors import Cancelled
from engine.extension.material import Material
from engine.extension.plan import window_starts
from engine.extension.request import ExtensionRequest
from engine.extension.run import Followers, LongClip, Work, base_settings, make
from engine.progress import OnStep, ShouldStop
from engine.request import GenerationRequest
from engine.saved import SavedRuns
from engine.stage import SampleSettings
from engine.video import fitted, to_clips, to_frames

LOADED_MODELS = 2


@dataclass(frozen=True)
class GeneratedClip:
    """One finished clip.

    request: the single-draft request that makes it again. frames: uint8 (t, h, w, 3), upscaled if
    the request says so. draft_frames: uint8 (t, 36, 64, 3). notes: sentences the user should see.
    model_hash, backend: what made it; the same request and both give the same bits.
    """

    request: GenerationRequest
    frames: np.ndarray
    draft_frames: np.ndarray
    notes: tuple[str, ...]
    model_hash: str
    backend: str


@dataclass(frozen=True)
class Start:
    """What is there before the work begins.

    draft_frames: uint8 (t, h, w, 3) of a draft made before; it is upscaled instead of a new one.
    picture: uint8 (h, w, 3) of any size, the first frame of every draft; crop: whether it loses
    its edges where its shape is another, or gets black bars.
    work_folder: where the samplers' states are written, about once a second and when the work is
    stopped; the same work started again with this folder goes on to the same bits.
    """

    draft_frames: np.ndarray | None = None
    picture: np.ndarray | None = None
    crop: bool = False
    work_folder: Path | None = None


def generate(request: GenerationRequest, *, on_step: OnStep | None = None,
             should_stop: ShouldStop | None = None, place: Place = HERE,
             start: Start | None = None) -> list[GeneratedClip]:
    """Make the clips of a request, drafts together and upscales one by one.

    Raises: ModelError, RequestError, and Cancelled within one network evaluation.
    """
    card, cascade = _model(request, place)
    start = start or Start()
    saved = None if start.work_folder is None else SavedRuns(
        start.work_folder, _work(request, card, cascade.backend, start), cascade.base.device)
    notes = tuple(_notes(request, card, cascade))
    try:
        return [GeneratedClip(request.single(seed), large, small, notes, card.model_hash,
                              cascade.backend)
                for seed, small, large in _frames(request, cascade, start,
                                                  Listener(on_step, should_stop, saved))]
    except Cancelled:
        if saved is not None:
            saved.flush()
        raise


@dataclass(frozen=True)
class ExtendedClip:
    """One finished longer clip.

    extension: the request that makes it again, from the same pictures and video.
    clip: its frames and the plan they were made by. text_notes: which words were used; drift:
    where it drifts; sentences the user should see.
    """

    extension: ExtensionRequest
    clip: LongClip
    text_notes: tuple[str, ...]
    drift: tuple[str, ...]
    model_hash: str
    backend: str

    @property
    def notes(self) -> tuple[str, ...]:
        """All that the user should see."""
        return (*self.text_notes, *self.drift)

    @property
    def request(self) -> GenerationRequest:
        """Prompt, seed and settings; the rate is that of a clip kept before its end."""
        return replace(self.extension.clip, fps=self.clip.fps)

    @property
    def frames(self) -> np.ndarray:
        """The finished frames, uint8 (t, h, w, 3)."""
        return self.clip.frames


def extend(request: ExtensionRequest, material: Material | None = None, *,
           followers: Followers | None = None, work_folder: Path | None = None,
           place: Place = HERE) -> ExtendedClip:
    """Make a longer or smoother clip, from nothing or from pictures or a video.

    work_folder: where finished windows are kept; the same work started again with it goes on.
    Raises: ModelError, RequestError, and Cancelled within one network evaluation.
    """
    card, cascade = _model(request.clip, place)
    material = material or Material()
    work = None if work_folder is None else Work(work_folder, "\n".join(
        [request.to_json(), card.model_hash, cascade.backend, material.digest]))
    made = make(cascade, request, material, followers, work)
    return ExtendedClip(request, made, tuple(_notes(request, card, cascade)),
                        tuple(_drift_notes(request, made, material)), card.model_hash,
                        cascade.backend)


def text_notes(request: GenerationRequest | ExtensionRequest, *,
               place: Place = HERE) -> tuple[str, ...]:
    """Say before the work begins which words of a request's texts are not used or not learnt.

    Raises: ModelError, RequestError.
    """
    clip = request.clip if isinstance(request, ExtensionRequest) else request
    return tuple(_notes(request, *_model(clip, place)))


def _drift_notes(request: ExtensionRequest, made: LongClip, material: Material) -> list[str]:
    """Say where a clip drifts from its first segment; an upscale may where its draft does not."""
    layout, video = made.plan.layout, material.given.video
    if request.in_between > 1 or len(made.frames) < layout.frames:
        return []
    joins = sorted({*layout.joins, video} - {0, layout.frames})
    # Without a join, what the first window of the lowest rate made in one piece.
    first = joins[0] if joins else layout.window * layout.coarsest
    shown = thinned(made.frames)
    measures = measure(shown)
    closing = loop_warnings(shown, measures) if request.is_loop else []
    seams = [one for one in window_starts(made.plan) if one not in joins]
    return (drift_warnings(measures, first, request.clip.fps, joins)
            + seam_warnings(measures, seams, request.clip.fps, joins) + closing)


def _model(request: GenerationRequest, place: Place) -> tuple[ModelCard, Cascade]:
    """Return a request's model, loaded. Raises: ModelError, RequestError."""
    card = find_model(request.model, place.models_directory)
    if request.upscale:
        card.need_upsampler("make drafts with it")
    return card, _loaded(card, place)


def _frames(request: GenerationRequest, cascade: Cascade, start: Start,
            listener: Listener) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """Make each clip's seed, draft frames, and large frames (the draft's without an upscale)."""
    if start.draft_frames is None:
        drafts = cascade.draft(_prompts(request, request.draft_seeds),
                               base_settings(request), listener, _first_frame(start, cascade))
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


def _first_frame(start: Start, cascade: Cascade) -> np.ndarray | None:
    """Return the start picture at the drafts' size, uint8 (h, w, 3), if there is one."""
    if start.picture is None:
        return None
    return fitted(start.picture[None], *cascade.base.clip_shape[2:], crop=start.crop)[0]


def _work(request: GenerationRequest, card: ModelCard, backend: str, start: Start) -> str:
    """Describe all that decides the bits of a request's clips."""
    given = Material(start.picture, video=start.draft_frames)
    return "\n".join([request.to_json(), card.model_hash, backend, given.digest, str(start.crop)])


def _loaded(card: ModelCard, place: Place) -> Cascade:
    return _cascade(card.base_folder, card.upsampler_folder, card.model_hash, place)


@lru_cache(maxsize=LOADED_MODELS)
def _cascade(base: Path, upsampler: Path | None, model_hash: str, place: Place) -> Cascade:
    """Keep the last models loaded; a changed one has another hash."""
    return Cascade.load(base, upsampler, place.device, place.backend)


def _prompts(request: GenerationRequest, seeds) -> Prompts:
    seeds = list(seeds)
    negative = [request.negative_prompt] * len(seeds) if request.negative_prompt.strip() else None
    return Prompts([request.prompt] * len(seeds), seeds, [request.fps] * len(seeds), negative)


def _notes(request: GenerationRequest | ExtensionRequest, card: ModelCard,
           cascade: Cascade) -> Iterator[str]:
    """Say how many words of texts that are too long were used, and which; what is new to the
    model; and that a negative prompt is not used.
    """
    if isinstance(request, ExtensionRequest):
        clip, prompts = request.clip, request.timeline.prompts
    else:
        clip, prompts = request, [request.prompt]
    texts = [("prompt", one) for one in prompts]
    if clip.guidance:
        texts.append(("negative prompt", clip.negative_prompt))
    elif clip.negative_prompt.strip():
        yield "The negative prompt is not used, because guidance is 0: make that larger."
    for label, text in texts:
        used = cascade.encoder.used_words(text)
        if used != text:
            yield (f"The {label} is too long for the model: it used the first "
                   f'{_whole_words(used, text)} of {len(text.split())} words, "{used}".')
    new = card.vocabulary.note(" ".join(prompts))
    if new:
        yield new


def _whole_words(used: str, text: str) -> int:
    """Return how many words the beginning of a text holds, without one that is cut in two."""
    is_cut = used[-1:].isalnum() and text.removeprefix(used)[:1].isalnum()
    return len(used.split()) - is_cut
