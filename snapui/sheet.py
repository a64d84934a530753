"""The contact sheet: every job and its clips as moving pictures, in a component of our own.

Python writes each card as HTML with every text escaped; sheet.js puts changed cards in place by
their key, so a loop that plays goes on playing and a tick stays where it was set. Pictures come
from the output folder only.
"""

import json
import time
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from engine.request import GenerationRequest
from snapui.files import file_url
from snapui.orders import opening_of
from snapui.schema import ACTIVE, Clip, Job, Worker
from snapui.snapshot import Snapshot
from snapui.space import HELD, trouble
from snapui.standing import model_told, moment_told, standing
from snapui.theme import scripts
from snapui.upscaling import upscaled_how

SHOWN_JOBS = 24
GO_ON = "Go on with the queue"  # the button
TEMPLATE = """
<div class="bar">
  <p class="status" role="status"></p>
  <div class="picks" hidden>
    <span class="hint">Tick the drafts worth keeping, then upscale only those.</span>
    <button type="button" class="untick" hidden>Untick all</button>
    <button type="button" class="upscale" disabled>Upscale</button>
  </div>
</div>
<div class="cards"></div>
<dialog aria-label="One draft"><header><h3 dir="auto"></h3>
<button type="button" data-act="close">Close</button></header><img alt="">
<div class="foot"><label class="pick"><input type="checkbox">Keep</label>
<span class="seed" role="status"></span>
<button type="button" data-act="previous">Previous</button>
<button type="button" data-act="next">Next</button></div></dialog>
"""
# Where there is no keyboard the button is named instead of its keys.
RUN = ('<span class="keys"><kbd>Ctrl</kbd>+<kbd>Enter</kbd></span>'
       '<span class="touch">Make drafts</span>')
EMPTY = f"""<div class="empty">
<p class="lead">Type a prompt and press {RUN}</p>
<p>Drafts appear here and already move while they are being made. Tick the ones you like and
upscale only those; everything you make is kept.</p>
<div class="examples">{{examples}}</div></div>"""


def component(live_key: str) -> gr.HTML:
    """Return the empty sheet, which live.js fills; its own value is the time of one upscale.

    live_key: what the page shows when it asks what is new, see `live.Live`.
    Its events: stop_job (id), upscale_clips (ids), reuse_clip (id), extend_clip (id),
    use_example (id), measured.
    """
    return gr.HTML(value={}, html_template=TEMPLATE, elem_id="sheet", apply_default_css=False,
                   js_on_load=scripts("morph.js", "gone.js", "around.js", "large.js", "sheet.js"),
                   live_key=live_key)


class Sheet:
    """Draws snapshots of the journal whose files are in one output folder.

    examples: prompts that an empty sheet offers. help_wanted: how to start a worker, if that is
    for a person to do.
    """

    def __init__(self, output_directory: Path, examples: tuple[str, ...] = (),
                 help_wanted: str = "") -> None:
        self._folder, self._help_wanted = output_directory, help_wanted
        self._drawn: dict[int, tuple[Any, str]] = {}  # what each card was drawn from, and the card
        self._empty = EMPTY.format(examples="".join(
            f'<button type="button" data-act="example" data-id="{place}">{escape(text)}</button>'
            for place, text in enumerate(examples)))

    def value(self, snapshot: Snapshot) -> dict:
        """Return what the component shows: a status sentence and the cards, newest job first."""
        queue = [job for job in snapshot.jobs if job.state in ACTIVE] + snapshot.elsewhere
        queue += [job for jobs in snapshot.upscales.values() for job in jobs
                  if job.state in ACTIVE]
        order = sorted(queue, key=lambda job: (job.state != "running", -job.priority, job.position))
        ahead = {job.id: place for place, job in enumerate(order)}
        drawn = {job.id: self._kept_card(job, snapshot, ahead) for job in snapshot.jobs}
        self._drawn = drawn
        cards = [[f"job-{job_id}", card] for job_id, (_, card) in drawn.items()]
        told = status(snapshot.workers, order, is_paused=snapshot.is_paused,
                      is_held=bool(trouble(self._folder)), help_wanted=self._help_wanted)
        return {"status": told, "cards": cards or [["empty", self._empty]]}

    def _kept_card(self, job: Job, snapshot: Snapshot, ahead: dict[int, int]) -> tuple[Any, str]:
        """Return what a card is drawn from and the card, drawn anew only if that has changed."""
        jobs = [job, *snapshot.upscales.get(job.id, [])]
        source = (time.localtime().tm_yday,
                  [(one.id, one.changed, ahead.get(one.id)) for one in jobs],
                  [clip.id for one in jobs for clip in snapshot.clips.get(one.id, [])])
        known = self._drawn.get(job.id)
        if known is not None and known[0] == source:
            return known
        return source, self._card(job, snapshot, ahead)

    def _card(self, job: Job, snapshot: Snapshot, ahead: dict[int, int]) -> str:
        request = GenerationRequest.from_json(job.request)
        head = (f'<article class="job is-{job.state}"><header><h3 dir="auto">'
                f"{escape(request.prompt)}</h3><p>{escape(_facts(job, request))}</p></header>")
        if job.kind == "upscale":  # its draft is not on the sheet
            return (f'{head}<div class="clips large">{self._large(job, snapshot, ahead)}</div>'
                    "</article>")
        drafts = [self._draft(clip) for clip in snapshot.clips.get(job.id, [])]
        if job.state in ACTIVE:
            drafts += self._moving(job, request)
        large = [self._large(upscale, snapshot, ahead)
                 for upscale in snapshot.upscales.get(job.id, [])]
        return (f'{head}{_progress(job, ahead)}{_told(job)}<div class="clips">{"".join(drafts)}'
                f'</div><div class="clips large">{"".join(large)}</div></article>')

    def _large(self, job: Job, snapshot: Snapshot, ahead: dict[int, int]) -> str:
        """Return the figure of an upscale: what it made, or how far it is.

        Nothing is left of one whose clip is in the bin.
        """
        made = snapshot.clips.get(job.id, [])
        if job.state == "done":
            return "".join(self._upscale(clip) for clip in made)
        return self._unfinished_upscale(job, ahead)

    def _moving(self, job: Job, request: GenerationRequest) -> list[str]:
        """Return a figure for each draft in the making, with its newest preview."""
        previews = json.loads(job.previews)
        figures = []
        for place in range(request.drafts):
            inside = '<div class="blank"></div>'
            if place < len(previews):
                inside = (f'<img src="{self._url(previews[place])}" '
                          f'alt="Preview of draft {place + 1}">')
            figures.append(f'<figure class="clip is-moving" data-key="moving-{place}">{inside}'
                           f"<figcaption>seed {request.seed + place}</figcaption></figure>")
        return figures

    def _draft(self, clip: Clip) -> str:
        alt = escape(f"Draft with seed {clip.seed}: {clip.prompt}", quote=True)
        return (f'<figure class="clip" data-key="clip-{clip.id}">'
                f'<button type="button" class="look" data-act="large" data-id="{clip.id}" '
                f'aria-label="See the draft with seed {clip.seed} large">'
                f'<img src="{self._url(clip.loop)}" alt="{alt}" loading="lazy"></button>'
                f'<figcaption><label class="pick"><input type="checkbox" data-pick="{clip.id}" '
                f'aria-label="Keep the draft with seed {clip.seed}">Keep</label>'
                f"{self._actions(clip)}</figcaption></figure>")

    def _upscale(self, clip: Clip) -> str:
        how = upscaled_how(GenerationRequest.from_json(clip.request))
        label = escape(f"Upscaled, {how}, seed {clip.seed}: {clip.prompt}", quote=True)
        return (f'<figure class="clip is-large" data-key="clip-{clip.id}">'
                f'<video src="{self._url(clip.path)}" aria-label="{label}" autoplay loop muted '
                f'playsinline controls></video><figcaption><span class="mark">{clip.width}×'
                f'{clip.height} · {how}</span>{self._actions(clip)}</figcaption></figure>')

    def _actions(self, clip: Clip) -> str:
        name = escape(Path(clip.path).name, quote=True)
        return (f'<span class="seed">seed {clip.seed}</span><span class="actions">'
                f'<button type="button" data-act="reuse" data-id="{clip.id}" aria-label="Use the '
                f'settings of the clip with seed {clip.seed}">Reuse</button>'
                f'<button type="button" data-act="extend" data-id="{clip.id}" aria-label="Extend '
                f'the clip with seed {clip.seed}">Extend</button>'
                f'<a href="{self._url(clip.path)}" download="{name}">Download</a></span>')

    def _unfinished_upscale(self, job: Job, ahead: dict[int, int]) -> str:
        seed = GenerationRequest.from_json(job.request).seed
        previews = json.loads(job.previews)
        inside = (f'<img src="{self._url(previews[0])}" alt="Preview of the upscale">'
                  if previews else '<div class="blank"></div>')
        if job.state not in ACTIVE:
            inside = ""
        how = upscaled_how(GenerationRequest.from_json(job.request))
        return (f'<figure class="clip is-large is-moving is-{job.state}" data-key="up-{job.id}">'
                f'{inside}<figcaption><span class="mark">{how}</span><span class="seed">'
                f"seed {seed}</span>{_progress(job, ahead)}{_told(job)}</figcaption></figure>")

    def _url(self, relative: str) -> str:
        return file_url(self._folder, relative)


def status(workers: list[Worker], queue: list[Job], *, is_paused: bool = False,
           is_held: bool = False, help_wanted: str = "") -> str:
    """Return what the workers are doing, in a sentence or two; nothing if there is nothing to say.

    is_held: whether the output folder takes no clips. help_wanted: what is said while there is no
    worker, if none is being started.
    """
    if is_paused and queue:
        return f"The queue is paused. Press {GO_ON} under Queue."
    failed = [worker.message for worker in workers if worker.state == "failed"]
    if failed and len(failed) == len(workers):
        return failed[0]
    running = sum(job.state == "running" for job in queue)
    waiting = len(queue) - running
    if not workers:
        return help_wanted or ("Starting the worker." if waiting else "")
    if all(worker.state != "ready" for worker in workers) and not running:
        return "Loading the model; what you ask for starts as soon as it is ready."
    parts = [f"{running} running"] * bool(running) + [f"{waiting} waiting"] * bool(waiting)
    return ", ".join(parts) + f". {HELD}" * bool(is_held and waiting)


def _facts(job: Job, request: GenerationRequest) -> str:
    """Return a job's settings in one line."""
    seeds = f"seed {request.seed}"
    if request.drafts > 1:
        seeds = f"seeds {request.seed} to {request.draft_seeds[-1]}"
    facts = [moment_told(job.created, time.time()), model_told(request), seeds,
             f"{request.steps} steps", f"guidance {request.guidance:g}", f"{request.fps:g} fps"]
    if opening_of(job) is not None:
        facts.append("from a picture")
    if request.negative_prompt:
        facts.append(f"not: {request.negative_prompt}")
    return " · ".join(facts)


def _progress(job: Job, ahead: dict[int, int]) -> str:
    """Return the line of an active job: how far it is, and the button that ends it."""
    if job.state not in ACTIVE:
        return ""
    bar, label = "", "Stopping" if job.cancel == "drop" else "Stop"
    if job.state == "running":
        bar = (f'<progress max="{job.steps or 1}" value="{job.step}" '
               f'aria-label="Progress of job {job.id}"></progress>')
    told = escape(standing(job, ahead.get(job.id, 0)))
    return (f'<div class="progress">{bar}<span class="told">{told}</span>'
            f'<button type="button" data-act="stop" data-id="{job.id}"'
            f'{" disabled" if job.cancel == "drop" else ""}>{label}</button></div>')


def _told(job: Job) -> str:
    """Return what a job has to say: why it failed or waits, that a worker died, notes."""
    look = "note" if job.state in ACTIVE else "failed"
    lines = [f'<p class="{look}">{escape(job.error)}</p>'] if job.error else []
    if job.state in ACTIVE and job.deaths:
        lines.append('<p class="note">The worker stopped unexpectedly; this job goes on '
                     'where it was.</p>')
    lines += [f'<p class="note">{escape(note)}</p>' for note in json.loads(job.notes)]
    return "".join(lines)
