"""Draws a comparison as one labelled clip: columns and rows as on the page, all in lockstep."""

import itertools
import textwrap
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from engine.media import COMPARISON_KEY, OPENING_KEY, FrameStream, request_metadata, write_clip
from snapui.compare import Clock, Place, Plan
from snapui.comparisons import Standing
from snapui.copies import ENCODING, frames_of
from snapui.files import keep
from snapui.orders import opening_of
from snapui.picks import Picks

CELL_WIDTH, GAP, TEXT_SIZE, LINE_HEIGHT, MAX_LINES = 320, 12, 16, 22, 3
CHARACTERS_PER_LINE = 38
FIRST_WORDS = 5  # that are left of a beginning which all labels share
PAPER, INK, BLANK = "#fdfbf7", "#2b2825", "#e9e2d6"
FONTS = ("DejaVuSans.ttf", "NotoSans-Regular.ttf", "LiberationSans-Regular.ttf", "Arial.ttf",
         "Helvetica.ttc")


def save_grid(folder: Path, name: str, standing: Standing, still: int | None, *,
              tells: bool = True) -> str:
    """Write a comparison as an MP4, or one frame of it as a PNG.

    name: relative path without ending. still: the frame to write, or None for the moving grid.
    tells: whether the file carries the settings inside.
    Returns: the relative path. Raises: MediaError.
    """
    metadata = request_metadata(standing.plan.cell(0, 0), _about(standing)) if tells else {}
    with ENCODING:
        clips = {place: frames_of(folder, clip) for place, clip in standing.clips.items()}
        frames = grid_frames(standing.plan, clips, standing.clock, still)
        return keep(folder, name, ".mp4" if still is None else ".png",
                    lambda path: write_clip(path, frames, standing.clock.fps, metadata))


def _about(standing: Standing) -> dict[str, Any]:
    """Return what a grid's file tells besides the request of its first cell, and its model."""
    parents = [Path(clip.path).name for _, clip in sorted(standing.clips.items())]
    about: dict[str, Any] = {COMPARISON_KEY: standing.plan.to_json(), "parents": parents}
    first = standing.clips.get((0, 0))
    if first is not None:
        about["model_hash"] = first.model_hash
    opening = opening_of(standing.jobs[0, 0] if first is None else first.job)
    if opening is not None:
        about[OPENING_KEY] = opening.fit
        parents.append(opening.name)
    return about


def grid_frames(plan: Plan | Picks, clips: Mapping[Place, np.ndarray], clock: Clock,
                still: int | None = None) -> FrameStream:
    """Return the grid, height and width even, each frame drawn when it is asked for.

    clips: uint8 (t, h, w, 3) by place; missing ones stay blank. clock: how they play together.
    still: the only moment to draw, or the last if that is over.
    """
    count = max(1, clock.count)
    moments = range(count) if still is None else [min(max(0, still), count - 1)]
    cell_height = _cell_height(clips)
    sheet, corners = _labelled_sheet(plan, cell_height)

    def drawn(moment: int) -> np.ndarray:
        frame = sheet.copy()
        for place, clip in clips.items():
            picture = Image.fromarray(clip[clock.frame(place, moment, len(clip))])
            frame.paste(picture.resize((CELL_WIDTH, cell_height), Image.Resampling.BICUBIC),
                        corners[place])
        return np.asarray(frame)

    return FrameStream((len(moments), sheet.height, sheet.width, 3), map(drawn, moments))


def _cell_height(clips: Mapping[Place, np.ndarray]) -> int:
    """Return the height of a cell, that of the tallest clip at the cells' width."""
    shapes = [clip.shape for clip in clips.values()]
    return max((round(CELL_WIDTH * height / width) for _, height, width, _ in shapes),
               default=CELL_WIDTH * 9 // 16)


def _labelled_sheet(plan: Plan | Picks, cell_height: int) -> tuple[Image.Image, dict[Place, tuple]]:
    """Return the grid without its clips, and the corner of each cell."""
    heads = told_apart(plan.heads)
    labels = told_apart([plan.row_told(row) for row in range(plan.row_count)])
    columns, rows = len(heads), len(labels)
    head, sides = _lines(heads) + GAP, _lines(labels)
    step = cell_height + sides + GAP
    width = columns * (CELL_WIDTH + GAP) + GAP
    height = GAP + head + rows * step
    sheet = Image.new("RGB", (width + width % 2, height + height % 2), PAPER)
    draw = ImageDraw.Draw(sheet)
    corners = {}
    for column in range(columns):
        x = GAP + column * (CELL_WIDTH + GAP)
        _write(draw, (x, GAP), heads[column])
        for row in range(rows):
            y = GAP + head + row * step
            if column == 0:
                _write(draw, (x, y), labels[row])
            corners[row, column] = (x, y + sides)
            draw.rectangle((x, y + sides, x + CELL_WIDTH - 1, y + sides + cell_height - 1), BLANK)
    return sheet, corners


def told_apart(texts: Sequence[str]) -> Sequence[str]:
    """Return labels, without the words that all begin with if cut short they would be the same."""
    if len({tuple(_wrapped(text)) for text in texts}) == len(set(texts)):
        return texts
    words = [text.split() for text in texts]
    alike = itertools.takewhile(lambda some: len(set(some)) == 1, zip(*words, strict=False))
    same = len(list(alike))
    return [" ".join([*own[:min(same, FIRST_WORDS)], "…", *own[same:]]) for own in words]


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, CHARACTERS_PER_LINE, max_lines=MAX_LINES, placeholder="…")


def _lines(texts: Sequence[str]) -> int:
    """Return the height that the longest of these texts takes."""
    return LINE_HEIGHT * max(len(_wrapped(text)) for text in texts)


def _write(draw: ImageDraw.ImageDraw, corner: tuple[int, int], text: str) -> None:
    for place, line in enumerate(_wrapped(text)):
        draw.text((corner[0], corner[1] + place * LINE_HEIGHT), line, INK, font=_font())


@lru_cache
def _font() -> ImageFont.FreeTypeFont:
    """Return the first font this machine has, or Pillow's own."""
    for name in FONTS:
        try:
            return ImageFont.truetype(name, TEXT_SIZE)
        except OSError:
            continue
    return ImageFont.load_default(TEXT_SIZE)
