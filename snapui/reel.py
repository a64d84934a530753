"""Draws the Extend tab's right side: what is being made, the open clip, its tree and its drift.

Python writes each card as HTML with every text escaped; reel.js puts them in place and tells which
button was pressed.
"""

import json
from collections.abc import Callable
from html import escape
from pathlib import Path

import gradio as gr

from snapui.estimate import spoken
from snapui.files import file_url
from snapui.films import Node, job_name, shown_name
from snapui.learnt import paragraphs
from snapui.meter import meter
from snapui.orders import Order
from snapui.outlook import Outlook
from snapui.schema import ACTIVE, Clip, Film, Job
from snapui.standing import standing
from snapui.theme import scripts

EMPTY = """<div class="empty"><p class="lead">Make a clip longer</p>
<p>Choose a clip to go on from, or none to start anew; say what each segment shows, and press
Extend. Every segment is kept: redo it, branch from it, or take it back.</p></div>"""
STAGES = {"base": "Draft", "upsampler": "Upscale"}


def component() -> gr.HTML:
    """Return the empty reel; `value` fills it. Its events: reel_act (act, id, seconds), look_again.
    """
    return gr.HTML(value={}, html_template='<div class="cards"></div>', elem_id="reel",
                   apply_default_css=False, js_on_load=scripts("morph.js", "gone.js", "reel.js"))


class Reel:
    """Draws long clips whose files are in one output folder.

    upscaling: says what it takes to make a clip large; None where that cannot be.
    """

    def __init__(self, output_directory: Path,
                 upscaling: Callable[[Clip], Outlook | None]) -> None:
        self._folder, self._upscaling = output_directory, upscaling
        self._meters: dict[int, str] = {}  # a finished clip does not change

    def value(self, jobs: list[Job], tree: Node | None, opened: int | None) -> dict:
        """Return what the component shows.

        jobs: what is being made, and what went wrong. tree: of the open clip, if there is one.
        """
        cards = [[f"job-{job.id}", self._job(job)] for job in jobs]
        path = tree.path_to(opened) if tree else []
        if not path:
            return {"cards": cards or [["empty", EMPTY]]}
        node = path[-1]
        cards.append([f"clip-{opened}", self._clip(node, path[:-1])])
        if tree.children or tree.jobs or tree.again:
            cards.append(["tree", self._tree(tree, opened)])
        if node.film is not None:
            cards.append([f"meter-{opened}", self._meter(node.clip)])
        return {"cards": cards}

    def _job(self, job: Job) -> str:
        """Return a job that is being made, as far as it has grown, or why it is not."""
        name = escape(job_name(job))
        if job.state not in ACTIVE:
            why = f'<p class="failed">{escape(job.error)}</p>' * bool(job.error)
            why += paragraphs(["Stopped. Nothing was kept."] * (job.state == "cancelled"))
            return (f'<article class="job is-{job.state}"><h3 dir="auto">{name}</h3>{why}'
                    '</article>')
        previews = json.loads(job.previews)
        picture = (f'<img src="{file_url(self._folder, previews[0])}" alt="The clip so far">'
                   if previews else '<div class="blank"></div>')
        why = paragraphs([job.error] * bool(job.error) + json.loads(job.notes))
        is_begun = job.state == "running" or job.step  # before, there is nothing to keep
        keep = _button("keep", job.id, "Keep as it is") * bool(is_begun)
        return (f'<article class="job">{picture}<div><h3 dir="auto">{name}</h3>{why}'
                f'<progress max="{job.steps or 1}" value="{job.step}" aria-label="Progress of job '
                f'{job.id}"></progress>'
                f'<p class="told">{escape(standing(job))}</p><div class="actions">'
                f'{_button("stop", job.id, "Stop")}{keep}</div></div></article>')

    def _clip(self, node: Node, above: list[Node]) -> str:
        """Return the open clip large, with what can be done to its last segment."""
        clip, name = node.clip, escape(shown_name(node), quote=True)
        url = file_url(self._folder, clip.path)
        facts = (f"{clip.frames / clip.fps:.3g} s · {clip.frames} frames at {clip.fps:g} fps · "
                 f"{clip.width}×{clip.height} · seed {clip.seed}")
        notes = paragraphs(json.loads(clip.job.notes))
        acts = ""
        if node.film is not None:
            acts = _button("undo", clip.id, "Undo") if above else ""
            if clip.kind == "extension":
                is_upscale = Order.from_json(node.film.order).is_upscale
                acts += _button("redo", clip.id,
                                "Upscale again" if is_upscale else "Redo this segment")
            if large := self._upscaling(clip):
                acts += _button("upscale", clip.id, f"Upscale ({_effort(large)})")
        return (f'<article class="one"><header><h3 dir="auto">{name}</h3><p>{facts}</p></header>'
                f'<video data-key="video-{clip.id}" src="{url}" aria-label="{name}" autoplay loop '
                f'muted playsinline controls></video>{notes}<div class="actions">{acts}'
                f'<form data-id="{clip.id}"><label>Trim to <input type="number" name="seconds" '
                f'min="0.1" max="60" step="any" value="{clip.frames / clip.fps / 2:.2f}" '
                'aria-label="Seconds to trim to"> s</label><button>Trim</button></form>'
                f'<a href="{url}" download="{escape(Path(clip.path).name, quote=True)}">Download'
                "</a></div></article>")

    def _tree(self, root: Node, opened: int) -> str:
        again = "".join('<li class="told">Made again from the beginning:</li>'
                        + self._branch(other, 0.0, opened) for other in root.again)
        return ('<section class="tree"><h3>Segments</h3><p class="note">Open one to go on from it: '
                'what you add becomes a branch.</p><ol>'
                f'{self._branch(root, 0.0, opened)}{again}</ol></section>')

    def _branch(self, node: Node, begin: float, opened: int) -> str:
        """Return a node and what goes on from it: its newest line below it, others set in."""
        end = node.clip.frames / node.clip.fps
        html = [self._node(node, begin, end, opened)]
        lines = sorted(node.children, key=lambda child: (
            bool(child.path_to(opened)), not child.film.is_undone, child.clip.id))
        html += [f'<li><ol class="branch">{self._branch(child, end, opened)}</ol></li>'
                 for child in lines[:-1]]
        html += [f'<li class="told">Being made: {escape(standing(job))}</li>' for job in node.jobs]
        html += [self._branch(child, end, opened) for child in lines[-1:]]
        return "".join(html)

    def _node(self, node: Node, begin: float, end: float, opened: int) -> str:
        clip, name = node.clip, escape(shown_name(node), quote=True)
        is_undone = node.film is not None and node.film.is_undone
        where = f"{begin:.3g}–{end:.3g} s" if end > begin else f"{end:.3g} s"
        again = _button("take_up", clip.id, "Take up again") if is_undone else ""
        gone = " · in the bin" if clip.binned else ""
        return (f'<li data-key="node-{clip.id}" class="{"is-undone" if is_undone else ""}">'
                f'<button type="button" class="node" data-act="open" data-id="{clip.id}" '
                f'aria-current="{"true" if clip.id == opened else "false"}">'
                f'<img src="{file_url(self._folder, clip.loop)}" alt="" loading="lazy">'
                f'<span class="what" dir="auto">{name}</span>'
                f'<span class="told">{where} · seed {clip.seed}{gone}</span></button>{again}</li>')

    def _meter(self, clip: Clip) -> str:
        if clip.id not in self._meters:
            self._meters[clip.id] = meter(clip, Film.get(Film.clip == clip.id))
        return self._meters[clip.id]


def told(outlook: Outlook, note: str = "") -> str:
    """Return what an order takes as HTML: a sentence, then on demand a line for each rate.

    note: what the model has not learnt, if anything.
    """
    frames = outlook.plan.layout.frames
    rows = "".join(
        f"<tr><td>{STAGES[level.stage]}</td><td>{level.fps:g}</td><td>{level.windows}</td>"
        f"<td>{level.known}</td><td>{level.new}</td></tr>" for level in outlook.levels)
    return (f'<p class="lead">{outlook.plan.duration_seconds:.3g} s, {frames} frames: '
            f"{_time(outlook)}.</p>{paragraphs([note] * bool(note))}"
            f"<details><summary>{outlook.windows} windows, {outlook.evaluations} network "
            "evaluations</summary><table><thead><tr><th>Stage</th><th>Rate, fps</th>"
            "<th>Windows</th><th>Known frames</th><th>New frames</th></tr></thead>"
            f"<tbody>{rows}</tbody></table></details>")


def _time(outlook: Outlook) -> str:
    """Return how long it takes, as far as that was ever measured."""
    if outlook.seconds is not None:
        return f"about {spoken(outlook.seconds)} on this machine"
    if outlook.draft_seconds:
        return (f"about {spoken(outlook.draft_seconds)} on this machine for the draft; how long "
                "the upscale takes is not measured yet")
    return "how long it takes on this machine is not measured yet"


def _effort(outlook: Outlook) -> str:
    windows = f"{outlook.windows} window{'s' * (outlook.windows > 1)}"
    return windows if outlook.seconds is None else f"{windows}, about {spoken(outlook.seconds)}"


def _button(act: str, number: int, label: str) -> str:
    return f'<button type="button" data-act="{act}" data-id="{number}">{label}</button>'
