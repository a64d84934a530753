"""Two drawn subjects, and a short exam on them."""

import pytest
import torch
from PIL import Image, ImageDraw

from engine.evaluation.exam import set_exam
from engine.evaluation.judge import Judge, JudgeConfig
from engine.storybook.sprites import by_name, load_sprites

# file, noun, motion, category, facing, place, colour
ROWS = (
    ("dog", "dog", "walking", "animal", "left", "ground", (240, 170, 60)),
    ("heart", "red heart", "beating", "object", "front", "any", (220, 30, 40)),
)


def _frames(colour: tuple[int, int, int]) -> list[Image.Image]:
    frames = []
    for step in range(3):
        picture = Image.new("RGBA", (48, 48), (0, 0, 0, 0))
        draw = ImageDraw.Draw(picture)
        draw.ellipse((4, 8, 44, 36), fill=(*colour, 255))
        draw.rectangle((14 + 4 * step, 34, 22 + 4 * step, 44), fill=(40, 30, 30, 255))
        frames.append(picture)
    return frames


@pytest.fixture(scope="session")
def sprites_folder(tmp_path_factory):
    """A folder laid out like the real sprites."""
    folder = tmp_path_factory.mktemp("sprites")
    (folder / "animated").mkdir()
    lines = ["file\tnoun\tmotion\tcategory\tfacing\tplace"]
    for stem, *words, colour in ROWS:
        first, *rest = _frames(colour)
        first.save(folder / "animated" / f"{stem}.webp", save_all=True, append_images=rest,
                   duration=42, lossless=True)
        lines.append("\t".join((f"{stem}.webp", *words)))
    (folder / "animated.tsv").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture(scope="session")
def cast(sprites_folder):
    """Both subjects by name."""
    return by_name(load_sprites(sprites_folder, "all"))


@pytest.fixture(scope="session")
def exam(cast):
    """Five captions, two seeds."""
    return set_exam(cast, 5, 2, lambda _: None)


@pytest.fixture
def ignorant_judge(cast):
    """A small judge that was never taught."""
    torch.manual_seed(0)
    return Judge(JudgeConfig(tuple(sorted(cast)), look=5, motion=3, width=4)).eval()
