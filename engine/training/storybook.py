"""The painted world as training data (STORYBOOK.md): scenes drawn, painted and captioned."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from engine.errors import DataError
from engine.storybook.articles import with_article
from engine.storybook.captions import canonical_caption, caption
from engine.storybook.casting import sample_scene
from engine.storybook.free_wording import scenery_words
from engine.storybook.parts import PARTS, parts
from engine.storybook.places import PAINTED, PLAIN_COLOURS
from engine.storybook.scene import TRAVELS, Scene
from engine.storybook.sprites import Sprite, load_sprites
from engine.storybook.world import render
from engine.training.data import LOW_HEIGHT, LOW_WIDTH, Example, Lesson, Window
from engine.training.recipe import Recipe
from engine.training.truth import UNKNOWN
from engine.video import to_clips, to_frames, upscale
from engine.vocabulary import IDEAS, Vocabulary, vocabulary_of

CLIP_FRAMES = 16
VOCABULARY_SCENES = 600    # of each subject: enough to meet its rare words
FEWEST_IDEAS = 12          # about each
PLAIN = Recipe()


class StorybookSource:
    """Scenes of the painted world.

    recipe: says how captions are worded and which subjects are shown more often.
    """

    FPS = (6.0, 12.0, 24.0)
    BLURRED_SHARE = 0.05

    def __init__(self, sprites_folder: Path, subjects: str | Sequence[str] = "core40",
                 recipe: Recipe = PLAIN, report=None, cache: Path | None = None):
        self.sprites = {s.name: s for s in load_sprites(
            sprites_folder, subjects, report=report, cache=cache)}
        missing = [name for name in recipe.newcomers if name not in self.sprites]
        if missing:
            raise DataError(f"newcomers names {', '.join(missing)}, which the subjects of this run "
                            f"lack: they are {', '.join(self.sprites)}.")
        self.newcomers = {name: self.sprites[name] for name in recipe.newcomers}
        self.recipe = recipe
        self._answers = [{name: number for number, name in enumerate(names)}
                         for names in (self.sprites, (*PAINTED, *PLAIN_COLOURS), TRAVELS)]
        self.truth_sizes = tuple(map(len, self._answers))
        self.part_count = PARTS

    def example(self, rng: np.random.Generator, frame_index: np.ndarray, window: Window,
                *, image: bool, low: bool) -> Example:
        """Paint a training-split scene. A few small clips come from half their size, blurred."""
        scene, fps = self._scene(rng)
        times = frame_index[:1] / fps if image else frame_index / fps
        blurred = not low and rng.random() < self.BLURRED_SHARE
        w = window
        source = (w.height // 2, w.width // 2) if blurred else (288, 512)
        crop = None if low is False else (w.top, w.left, w.crop_height, w.crop_width)
        size = source if blurred else (w.height, w.width)
        frames = render(scene, self.sprites, times, *size, window=crop)
        if blurred:
            frames = to_frames(upscale(to_clips([frames]), w.height, w.width))[0]
        small = render(scene, self.sprites, times, LOW_HEIGHT, LOW_WIDTH) if low else None
        n = len(frame_index)
        return Example(_repeated(frames, n), None if small is None else _repeated(small, n),
                       self._caption(scene, rng), float("inf") if image else fps, source,
                       self._truth(scene, image),
                       None if low else _repeated(self._parts(scene, times, window), n))

    def lesson(self, rng: np.random.Generator, frame_index: np.ndarray,
               window: Window) -> Lesson:
        """Draw a training-split scene and paint nothing."""
        scene, fps = self._scene(rng)
        return Lesson(self._caption(scene, rng), fps, self._truth(scene, False),
                      self._parts(scene, frame_index / fps, window))

    def paraphrase(self, rng: np.random.Generator) -> tuple[str, str, tuple[int, int, int]]:
        """Draw a training-split scene. Returns: what somebody might say of it, which is in other
        words as often as the recipe says, the caption that means the same, and the numbers of its
        subject, place and travel, unknown of a caption that may leave one open.
        """
        scene, _ = self._scene(rng)
        full, answers = canonical_caption(scene, self.sprites), self._truth(scene, image=False)
        if rng.random() < self.recipe.free_wording:
            return caption(scene, self.sprites, rng, free_share=1.0), full, answers
        said = caption(scene, self.sprites, rng)
        return said, said, answers if said == full else (UNKNOWN,) * len(answers)

    def vocabulary(self) -> Vocabulary:
        """Caption scenes of each subject as in training; the ideas are full captions of some.

        Left out is what other words for places name beside them, unless captions name it too.
        """
        rng, captions, plain, ideas = np.random.default_rng(0), [], [], []
        names = sorted(self.sprites)
        most = max(IDEAS // len(names), FEWEST_IDEAS)
        for name in names:
            scenes = [self._arranged(rng, {name: self.sprites[name]})[0]
                      for _ in range(VOCABULARY_SCENES)]
            captions += (self._caption(scene, rng) for scene in scenes)
            plain += (caption(scene, self.sprites, rng) for scene in scenes)
            full = dict.fromkeys(canonical_caption(scene, self.sprites) for scene in scenes)
            ideas += list(full)[:most]
        told = vocabulary_of(captions, ideas, map(with_article, names))
        unseen = scenery_words().difference(vocabulary_of(plain, ()).words)
        return replace(told, words=tuple(word for word in told.words if word not in unseen))

    def _scene(self, rng: np.random.Generator) -> tuple[Scene, float]:
        """Draw a scene of the recipe's subjects and the rate of its clip."""
        is_new = self.newcomers and rng.random() < self.recipe.newcomer_share
        return self._arranged(rng, self.newcomers if is_new else self.sprites)

    def _arranged(self, rng: np.random.Generator,
                  cast: Mapping[str, Sprite]) -> tuple[Scene, float]:
        fps = float(rng.choice(self.FPS))
        return sample_scene(rng, cast, split="train", clip_seconds=CLIP_FRAMES / fps), fps

    def _caption(self, scene, rng: np.random.Generator) -> str:
        return caption(scene, self.sprites, rng, self.recipe.free_wording)

    def _truth(self, scene, image: bool) -> tuple[int, int, int]:
        """Number the subject, place and travel of a scene; an image has no travel."""
        subjects, places, travels = self._answers
        return (subjects[scene.subject], places[scene.place],
                UNKNOWN if image else travels[scene.travel])

    def _parts(self, scene, times: np.ndarray, w: Window) -> np.ndarray:
        """Number what each patch of a whole frame shows of the subject."""
        return parts(scene, self.sprites[scene.subject], times,
                     (w.height // w.patch, w.width // w.patch), w.width / w.height)


def _repeated(frames: np.ndarray, n: int) -> np.ndarray:
    """An image is a clip of n equal frames."""
    return frames if len(frames) == n else np.repeat(frames, n, axis=0)
