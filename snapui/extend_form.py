"""The fields of the Extend tab: what is to be made, in segments, from which pictures or video."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from engine.extension.request import (
    FITS,
    KNOWN_WEIGHT,
    MAX_KNOWN_WEIGHT,
    MAX_SECONDS,
    ExtensionRequest,
)
from snapui.asked import Asked
from snapui.given import is_given, kept_picture, kept_video
from snapui.messages import log_unexpected, sentence
from snapui.outlook import GUIDED_TIMES
from snapui.schema import Clip
from snapui.theme import scripts

WORKS = {"Longer": 1, "Smooth ×2": 2, "Smooth ×4": 4}
FIRST_SECONDS = 2.0  # of a new segment
ROWS = """<fieldset><legend>Segments</legend><p class="hint">An empty prompt goes on with
the one before.</p><ol></ol><button type="button" class="add">Add a segment
</button></fieldset><template><li><input class="from" type="number" min="0" max="60" step="any">
<span>to</span><input class="to" type="number" min="0" max="60" step="any"><span>s</span>
<button type="button" class="drop">✕</button>
<textarea rows="2" maxlength="2000" dir="auto" placeholder="what is shown"></textarea></li>
</template>"""
TYPED = 8  # fields that a browser remembers
START = ("Start picture", ["image"], kept_picture)
FILES = (START, ("End picture", ["image"], kept_picture),
         ("Video to go on from", ["video", ".gif", ".webp", ".png", ".zip"], kept_video))


@dataclass(frozen=True)
class Form:
    """The placed fields. files: components that take files; kept: see `holder`."""

    work: gr.Radio
    rows: gr.HTML
    seconds: gr.Number
    fps: gr.Number
    loop: gr.Checkbox
    upscale: gr.Checkbox
    fit: gr.Radio
    known_weight: gr.Number
    files: tuple[gr.File, ...]
    kept: tuple[gr.Textbox, ...]

    @property
    def typed(self) -> list[Any]:
        """The fields a browser remembers."""
        return [self.work, self.rows, self.seconds, self.fps, self.loop, self.upscale, self.fit,
                self.known_weight]

    @property
    def shown_files(self) -> list[Any]:
        """The components that `files_shown` fills."""
        return [*self.files, *self.kept]

    @property
    def inputs(self) -> list[Any]:
        """The fields in the order `asked` takes their values."""
        return [*self.typed, *self.kept]


def is_longer(work: str) -> bool:
    """Return whether a choice of work makes new segments, as the rows say them."""
    return WORKS.get(work, 1) == 1


def asked(*values: Any) -> Asked:
    """Return what the fields ask for."""
    work, rows, seconds, fps, is_loop, upscale, fit, known_weight, start, end, video = values
    return Asked(tuple(tuple(row) for row in rows["rows"]), seconds or 0.0, fps or 0.0, is_loop,
                 WORKS.get(work, 1), fit, upscale, known_weight, start, end, video)


def first_rows(source: Clip | None) -> dict[str, Any]:
    """Return the rows a form begins with: one segment after what is there.

    source: the clip to go on from, by which rows are told from another clip's.
    """
    begin = 0.0 if source is None else round(source.frames / source.fps, 2)
    return {"source": source and source.id, "begin": begin,
            "rows": [[begin, round(begin + FIRST_SECONDS, 2), ""]]}


def moved_rows(rows: dict[str, Any], source: Clip | None) -> dict[str, Any]:
    """Return rows for another clip: what was written for one goes on after it, as far apart.

    Rows in which nothing was written give way to those a form begins with.
    """
    first = first_rows(source)
    try:
        by = first["begin"] - float(rows.get("begin") or 0)
        moved = [[round(float(start) + by, 2), round(float(end) + by, 2), prompt]
                 for start, end, prompt in rows["rows"]]
    except (TypeError, ValueError):  # no number yet
        return first
    return first | {"rows": moved} if any(str(one[2]).strip() for one in moved) else first


def place() -> Form:
    """Place the fields inside the open Blocks."""
    work = gr.Radio(list(WORKS), value="Longer", label="Make it", elem_id="extend-work",
                    info="Smooth puts new frames between those of a clip or video.")
    rows = gr.HTML(value=first_rows(None), html_template=ROWS, elem_id="rows",
                   apply_default_css=False, js_on_load=scripts("rows.js"))
    with gr.Row(elem_id="extend-numbers"):
        seconds = gr.Number(0, label="Seconds", min_width=120, elem_id="extend-seconds",
                            info=f"In all, up to {MAX_SECONDS:g}. 0: as the segments say.")
        fps = gr.Number(12, label="Frames per second", min_width=120, elem_id="extend-fps",
                        info="A clip or video keeps its own.")
    with gr.Row(elem_id="extend-ticks"):
        loop = gr.Checkbox(False, label="Loop", min_width=120, elem_id="extend-loop",
                           info="Its end leads to its start.")
        upscale = gr.Checkbox(False, label="Upscale", min_width=120, elem_id="extend-upscale",
                              info="Also make it large.")
    with gr.Accordion("Pictures and a video of your own", open=False, elem_id="extend-files"):
        files = tuple(gr.File(label=label, file_types=kinds, height=110)
                      for label, kinds, _ in FILES)
        fit = gr.Radio(list(FITS), value=FITS[0], label="Pictures of another shape",
                       info="Letterbox adds black bars, crop cuts the edges.", elem_id="extend-fit")
    with gr.Accordion("Advanced", open=False, elem_id="extend-advanced"):
        known_weight = gr.Number(
            KNOWN_WEIGHT, label="Weight of known frames", elem_id="extend-known-weight",
            info=f"Empty: what suits the model. 0 to {MAX_KNOWN_WEIGHT:g}: how strongly they steer "
                 f"the others; above 0 takes {GUIDED_TIMES} times as long.")
    kept = tuple(holder() for _ in FILES)
    return Form(work, rows, seconds, fps, loop, upscale, fit, known_weight, files, kept)


def holder() -> gr.Textbox:
    """Return what holds the path of a kept file inside the output folder, for the page to render.

    In the browser, or a page that outlives the program would show a picture that nothing uses.
    Render it outside of the tabs: inside of one it tells of no change until that is opened.
    """
    return gr.Textbox("", visible="hidden", render=False)


def taker(keep: Callable[[Path, Path], str], folder: Path) -> Callable[[str | None], tuple]:
    """Return the handler that keeps a handed-over file, or puts it out with a sentence."""
    def take(path: str | None) -> tuple[Any, str]:
        if path is None:
            return gr.skip(), ""
        try:
            return gr.skip(), keep(folder, Path(path))
        except Exception as error:
            log_unexpected(error)
            gr.Warning(escape(sentence(error)), title="Please check")
            return None, ""
    return take


def restored(kept: Any) -> list[Any]:
    """Return what the remembered fields show; unusable values leave theirs as it is."""
    if not isinstance(kept, list) or len(kept) != TYPED:
        return [gr.skip()] * TYPED
    work, rows, seconds, fps, loop, upscale, fit, known_weight = kept
    usable = (work in WORKS, _are_rows(rows), _is_number(seconds), _is_number(fps),
              isinstance(loop, bool), isinstance(upscale, bool), fit in FITS,
              known_weight is None or _is_number(known_weight, MAX_KNOWN_WEIGHT))
    return [value if fine else gr.skip() for value, fine in zip(kept, usable, strict=True)]


def filled(request: ExtensionRequest | None, source: Clip | None = None) -> list[Any]:
    """Return what the remembered fields show of a request; nothing changes without one.

    source: the clip it goes on from.
    """
    if request is None:
        return [gr.skip()] * TYPED
    rows = [[one.start_seconds, one.end_seconds, one.prompt] for one in request.segments]
    work = next(name for name, times in WORKS.items() if times == request.in_between)
    return [work, first_rows(source) | {"rows": rows}, request.seconds, request.clip.fps,
            request.is_loop, request.clip.upscale, request.fit, request.known_weight]


def files_shown(folder: Path, kept: Any) -> list[Any]:
    """Return what the fields of files show, and where those are kept, as far as they are there.

    kept: paths inside the output folder, as `Form.kept` holds them; a browser may have kept them.
    """
    paths = kept if isinstance(kept, list) and len(kept) == len(FILES) else [""] * len(FILES)
    there = [path if is_given(folder, path) else "" for path in paths]
    return [*(str(folder / path) if path else None for path in there), *there]


def _are_rows(value: Any) -> bool:
    with contextlib.suppress(TypeError, KeyError):
        return all(len(row) == 3 for row in value["rows"]) and "source" in value
    return False


def _is_number(value: Any, most: float = MAX_SECONDS) -> bool:
    return isinstance(value, int | float) and 0 <= value <= most
