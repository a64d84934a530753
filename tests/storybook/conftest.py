"""A small cast drawn with Pillow, in the folder layout of the real sprites."""

from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from engine.storybook.sprites import by_name, load_sprites

# file, noun, motion, category, facing, place
ROWS = (
    ("dog", "dog", "walking", "animal", "left", "ground"),
    ("heart", "red heart", "beating", "object", "front", "any"),
    ("fish", "blue fish", "swimming", "animal", "left", "water"),
    ("rocket", "rocket", "flying", "vehicle", "up-right", "air"),
    ("panda", "panda", "tilting its head", "animal face", "front", "any"),
    ("grin", "yellow face", "grinning", "smiley", "front", "any"),
    ("sunshine", "yellow face", "wearing sunglasses", "smiley", "front", "any"),
)
FRAME_COUNT = 5
SIDE = 96


def _frames(index: int) -> list[Image.Image]:
    """Draw a body with a head on its left, whose leg moves; one colour a subject."""
    colour = ((200, 120, 60), (220, 30, 40), (40, 90, 230), (230, 230, 240))[index % 4]
    frames = []
    for step in range(FRAME_COUNT):
        picture = Image.new("RGBA", (SIDE, SIDE), (0, 0, 0, 0))
        draw = ImageDraw.Draw(picture)
        draw.ellipse((22, 30, 76, 66), fill=(*colour, 255))
        # Bright but half clear, as glass and soft edges are.
        draw.rectangle((44, 22, 60, 36), fill=(255, 255, 255, 120))
        draw.ellipse((12, 18, 36, 42), fill=(*colour, 255))
        draw.rectangle((30 + 4 * step, 60, 38 + 4 * step, 84), fill=(40, 30, 30, 255))
        frames.append(picture)
    return frames


def write_cast(folder: Path) -> Path:
    """Write animated/ with its table and still/ with one apple; return the folder."""
    (folder / "animated").mkdir(parents=True)
    (folder / "still").mkdir()
    lines = ["file\tpackage\tnoun\tmotion\tcategory\tfacing\tplace\tframes"]
    for index, (stem, *words) in enumerate(ROWS):
        first, *rest = _frames(index)
        path = folder / "animated" / f"{stem}.webp"
        first.save(path, save_all=True, append_images=rest, duration=42, lossless=True)
        lines.append("\t".join((path.name, "drawn", *words, str(FRAME_COUNT))))
    (folder / "animated.tsv").write_text("\n".join(lines) + "\n")
    _frames(1)[0].save(folder / "still" / "apple.webp", lossless=True)
    (folder / "still.tsv").write_text("file\tpackage\tnoun\napple.webp\tdrawn\tred apple\n")
    return folder


@pytest.fixture(scope="session")
def cast_folder(tmp_path_factory):
    """A folder of sprites that tests only read."""
    return write_cast(tmp_path_factory.mktemp("cast") / "sprites")


@pytest.fixture(scope="session")
def cast(cast_folder):
    """The small cast by name."""
    return by_name(load_sprites(cast_folder, "all"))
