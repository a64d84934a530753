"""Contact sheets: each caption as a true clip above a made one, for numbers to be looked at."""

from collections.abc import Sequence
from textwrap import wrap

import numpy as np
from PIL import Image, ImageDraw

FRAMES_SHOWN = 6
ENLARGED = 2
CAPTION_WIDTH = 230
GAP = 4
SEAM = 2
_LINE_HEIGHT, _LINE_CHARACTERS = 12, 36
_PAPER, _INK, _PALE = (255, 255, 255), (20, 20, 20), (110, 110, 110)


def contact_sheet(captions: Sequence[str], true: np.ndarray, made: np.ndarray,
                  notes: Sequence[str]) -> Image.Image:
    """Draw one sheet.

    captions, notes: n; a note stands beside the made clip. true, made: uint8 (n, t, h, w, 3).
    Returns: a picture of 2 n rows of six frames at twice their size, captions to the left.
    """
    rows = [(clip, text, colour) for caption, note, a, b in
            zip(captions, notes, true, made, strict=True)
            for clip, text, colour in ((a, caption, _INK), (b, note, _PALE))]
    height, width = true.shape[2] * ENLARGED, true.shape[3] * ENLARGED
    sheet = Image.new("RGB", (CAPTION_WIDTH + FRAMES_SHOWN * (width + SEAM),
                              len(rows) * (height + GAP)), _PAPER)
    pen = ImageDraw.Draw(sheet)
    for number, (clip, text, colour) in enumerate(rows):
        # A pair of rows sits close together; pairs are set apart.
        top = number * (height + GAP) + (GAP if number % 2 == 0 else 0)
        for line, words in enumerate(wrap(text, _LINE_CHARACTERS)[:height // _LINE_HEIGHT]):
            pen.text((GAP, top + line * _LINE_HEIGHT), words, fill=colour)
        sheet.paste(_strip(clip, (width, height)), (CAPTION_WIDTH, top))
    return sheet


def _strip(clip: np.ndarray, size: tuple[int, int]) -> Image.Image:
    """Lay six frames, evenly spread over the clip, side by side."""
    shown = clip[np.linspace(0, len(clip) - 1, FRAMES_SHOWN).round().astype(int)]
    strip = Image.new("RGB", (FRAMES_SHOWN * (size[0] + SEAM), size[1]), _PAPER)
    for number, frame in enumerate(shown):
        strip.paste(Image.fromarray(frame).resize(size, Image.Resampling.NEAREST),
                    (number * (size[0] + SEAM), 0))
    return strip
