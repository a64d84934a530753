"""What is written into the output folder."""

import weakref

import numpy as np
from PIL import Image

from snapui.files import write_loop


def test_a_loop_of_large_frames_holds_one_of_them_at_a_time(tmp_path, monkeypatch):
    made, alive = [], []
    from_array = Image.fromarray

    def counted(frame):
        alive.append(sum(image() is not None for image in made))
        image = from_array(frame)
        made.append(weakref.ref(image))
        return image
    monkeypatch.setattr("snapui.files.Image.fromarray", counted)
    frames = np.random.default_rng(0).integers(0, 256, (12, 288, 512, 3), dtype=np.uint8)
    write_loop(tmp_path / "clip.webp", frames, 12)
    assert alive == [0] * 12    # when the next is made
    with Image.open(tmp_path / "clip.webp") as loop:
        assert (loop.size, loop.n_frames) == ((256, 144), 12)
