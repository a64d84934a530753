"""Draws the library: a grid of small moving loops, and one clip large with all its settings.

Python writes each card as HTML with every text escaped; library.js puts them in place.
"""

import time
from collections.abc import Callable
from html import escape
from pathlib import Path

import gradio as gr

from engine.request import GenerationRequest
from snapui.controls import FIELDS
from snapui.files import file_url
from snapui.library import MAX_TITLE_CHARACTERS, Page
from snapui.schema import LONG, Clip
from snapui.sheet import RUN
from snapui.standing import model_told
from snapui.theme import scripts
from snapui.upscaling import upscaled_how

FORMATS = {".mp4": "MP4", ".webm": "WebM", ".gif": "GIF", ".webp": "Animated WebP",
           ".apng": "APNG, lossless", ".mov": "ProRes 4444 (MOV)", ".zip": "PNG frames (ZIP)"}
TEMPLATE = """
<div class="bar"><p class="told" role="status"></p>
<div class="picks" hidden><span class="hint"></span>
<button type="button" class="untick" hidden>Untick all</button>
<button type="button" class="put-back" hidden>Take out of the bin</button>
<button type="button" class="discard" hidden>Put in the bin</button>
<button type="button" class="compare primary" disabled>Compare</button></div>
<button type="button" class="empty-bin" hidden>Empty the bin</button></div>
<div class="cards"></div>
<nav class="pages" aria-label="Pages of the library" hidden>
<button type="button" class="newer">Newer</button>
<label class="place">Page <input type="number" min="1" step="1"> of <span></span></label>
<button type="button" class="older">Older</button></nav>
<dialog class="details" aria-label="One clip"></dialog>
"""
EMPTY = {
    "All": ("Everything you make is kept here",
            f"Type a prompt on the Create tab and press {RUN}. "
            "To bring back the settings of a clip you saved, drop its file anywhere on the page."),
    "Starred": ("No starred clips yet", "Press the star of a clip you love, and find it here."),
    "Bin": ("The bin is empty", "Clips you put in the bin wait here until you empty it."),
}
NOT_FOUND = ("No clip has all of these words",
             "Try fewer of them: the search looks at prompts and names.")


def component(*answers: Callable[[dict], dict]) -> gr.HTML:
    """Return the empty library; `value` fills it.

    answers: functions `describe`, `convert`, `open_folder` and `among`, which the page's script
    calls.
    Its events: turn_page (number), change_clip (act, id, values), empty_bin, use_clip (id),
    upscale_clip (id, steps, noise), extend_clip (id), compare_clips (ids), bin_clips (ids),
    put_back_clips (ids), look_again.
    """
    return gr.HTML(value={}, html_template=TEMPLATE, elem_id="library", apply_default_css=False,
                   js_on_load=scripts("morph.js", "gone.js", "around.js", "save.js",
                                      "library.js"),
                   server_functions=list(answers))


class Shelf:
    """Draws pages of the library whose files are in one output folder."""

    def __init__(self, output_directory: Path) -> None:
        self._folder = output_directory

    def value(self, page: Page, words: str, view: str) -> dict:
        """Return what the component shows."""
        cards = [[f"clip-{clip.id}", self._card(clip)] for clip in page.clips]
        told = "" if not page.found else f"{page.found} clip{'s' * (page.found > 1)}"
        lead, rest = NOT_FOUND if words.strip() else EMPTY[view]
        empty = f'<div class="empty"><p class="lead">{lead}</p><p>{rest}</p></div>'
        return {"cards": cards or [["empty", empty]], "told": told, "number": page.number,
                "pages": page.pages, "view": view, "binned": page.binned}

    def details(self, clip: Clip) -> str:
        """Return one clip large, with what can be done with it and all its settings."""
        request = GenerationRequest.from_json(clip.request)
        url, name = file_url(self._folder, clip.path), escape(_name(clip), quote=True)
        player = (f'<video data-key="player-{clip.id}" src="{url}" aria-label="{name}" autoplay '
                  'loop muted playsinline controls></video>')
        if not (self._folder / clip.path).exists():
            player = ('<p class="failed">Its file is gone from the output folder. The settings '
                      "are still here: use them to make the same clip again.</p>")
        return (f'<div class="one" data-id="{clip.id}"><header><h3 dir="auto">{name}</h3>'
                '<button type="button" data-act="close" aria-label="Close">Close</button></header>'
                f'{player}<p class="failed" role="alert" hidden></p>'
                '<p class="where" role="status"></p>'
                f'<div class="actions">{_actions(clip)}</div>{_forms(clip, request)}'
                f"<dl>{_settings(clip, request)}</dl></div>")

    def _card(self, clip: Clip) -> str:
        name = escape(_name(clip), quote=True)
        request = GenerationRequest.from_json(clip.request)
        facts = f"seed {clip.seed} · {clip.width}×{clip.height}"
        facts += f" · {upscaled_how(request)}" * request.upscale
        facts += " · kept early" * bool(clip.kept_after)
        facts += f" · {clip.frames / clip.fps:.3g} s · {escape(model_told(request))}"
        when = time.strftime("%d %b %Y, %H:%M", time.localtime(clip.created))
        star = "" if clip.binned else _star(clip)
        tick = (f'<label class="tick"><input type="checkbox" data-pick="{clip.id}" '
                f'aria-label="Tick: {name}"></label>')
        return (f'<article class="card">{tick}<button type="button" class="open" data-act="open" '
                f'data-id="{clip.id}" aria-label="Open: {name}"><img '
                f'src="{file_url(self._folder, clip.loop)}" alt="" loading="lazy"></button>'
                f'<div class="line"><h3 dir="auto">{name}</h3>{star}</div>'
                f'<p title="{when}">{facts} · {when[:6]}</p></article>')


def _name(clip: Clip) -> str:
    return clip.title or clip.prompt


def _star(clip: Clip, label: str = "") -> str:
    is_on, sign = ("true", "★") if clip.starred else ("false", "☆")
    return (f'<button type="button" class="star" data-act="star" data-id="{clip.id}" '
            f'aria-label="Starred" aria-pressed="{is_on}">{sign}{label}</button>')


def _actions(clip: Clip) -> str:
    """Return the buttons of what can be done with a clip."""
    def button(act: str, label: str, look: str = "") -> str:
        return f'<button type="button" class="{look}" data-act="{act}">{label}</button>'

    buttons = [button("use", "Use these settings", "primary")]
    if clip.binned:
        return "".join([*buttons, button("put_back", "Take out of the bin")])
    return "".join([*buttons, button("extend", "Extend"), _star(clip, " Star"),
                    button("bin", "Put in the bin"), button("folder", "Open folder")])


def _forms(clip: Clip, request: GenerationRequest) -> str:
    """Return the fields to rename, to download and to upscale a clip."""
    is_draft = clip.kind in ("draft", *LONG) and not request.upscale and not clip.binned
    formats = "".join(f'<option value="{suffix}">{escape(name)}</option>'
                      for suffix, name in FORMATS.items())
    return (f'<div class="forms"><form data-form="rename"><label>Name<input name="title" '
            f'maxlength="{MAX_TITLE_CHARACTERS}" value="{escape(clip.title, quote=True)}" '
            'placeholder="its prompt" autocomplete="off"></label><button>Rename</button></form>'
            f'<form data-form="download"><label>Format<select name="suffix">{formats}</select>'
            f"</label><button>Download</button></form>{_upscale_form(request) * is_draft}</div>")


def _upscale_form(request: GenerationRequest) -> str:
    """Return the fields of an upscale, at first as the clip itself would be upscaled."""
    fields = "".join(
        f'<label>{escape(FIELDS[name].metadata["label"])}<input type="number" name="{name}" '
        f'min="{FIELDS[name].metadata["minimum"]}" max="{FIELDS[name].metadata["maximum"]}" '
        f'step="{step}" value="{getattr(request, name)}" title="'
        f'{escape(FIELDS[name].metadata["help"], quote=True)}" required></label>'
        for name, step in (("upscale_steps", 1), ("upscale_noise", "any")))
    return f'<form data-form="upscale">{fields}<button>Upscale</button></form>'


def _settings(clip: Clip, request: GenerationRequest) -> str:
    """Return every setting of a clip as a list of terms."""
    made = {spec.metadata["label"]: getattr(request, name) for name, spec in FIELDS.items()
            if name != "drafts"}
    made |= {"Size": f"{clip.width}×{clip.height}, {clip.frames} frames",
             "Made": time.strftime("%d %b %Y, %H:%M", time.localtime(clip.created)),
             "File": clip.path}
    if clip.kept_after:
        made["Kept early"] = f"after {clip.kept_after}; these settings make it whole"
    return "".join(f'<div><dt>{escape(label)}</dt><dd dir="auto">{escape(_spoken(value))}</dd>'
                   "</div>" for label, value in made.items() if value != "")


def _spoken(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
