"""The create tab: say what the clip shows, see drafts move, keep some, upscale those."""

import json
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from engine.catalog import find_model, model_names, model_problems
from engine.errors import RequestError
from engine.request import QUALITY_STEPS, GenerationRequest
from snapui import estimate, inside, learnt, queue
from snapui.controls import Controls, drawn_seed, quality_of
from snapui.desk import Beginning, Desk, order, place_beginning
from snapui.editor import Editor
from snapui.events import EACH, PRESSED, QUIET
from snapui.given import checked
from snapui.guard import guarded
from snapui.jobs import Journal
from snapui.orders import opening_of
from snapui.sheet import component
from snapui.tabs import queue as queue_panel
from snapui.tabs.queue import Panel
from snapui.theme import scripts

EXAMPLES = (
    "a red heart beating on a yellow background",
    "a ghost floating on a purple background",
    "a red car driving to the right on the road",
    "a panda bouncing in the night sky",
    "a yellow star spinning in space",
    "a snowman standing in the snow",
)
ADVANCED = ("steps", "sampler", "fps", "oscillating", "upscale_steps", "upscale_noise")
TELLS = ("Off, files written from now on carry neither prompt nor settings; the library still "
         "knows them. For everybody who uses this program.")
MOST_OFFERED = 24    # prompts of a model that names no subjects
COSTS = ("steps", "drafts", "guidance", "sampler", "upscale_steps", "model")


@dataclass
class Create:
    """The tab's parts that its handlers need."""

    journal: Journal
    panel: Panel
    controls: Controls
    models_directory: Path | None = None

    def models(self) -> tuple[dict, gr.HTML]:
        """Offer the models there are now, and show why others cannot be used, if there are any."""
        said = model_problems(self.models_directory)
        lines = [f'<p class="failed">{escape(f"{name} cannot be used. {told}")}</p>'
                 for name, told in said.items()]
        return (gr.update(choices=model_names(self.models_directory)),
                gr.HTML("".join(lines), visible=bool(lines)))

    def run(self, is_locked: bool, kept: str, fit: str, *values: Any) -> tuple[str, list[int]]:
        """Queue the drafts. kept, fit: see `desk.order`. Returns: the seed they use; their job."""
        kept = checked(self.journal.output_directory, kept)
        named = dict(zip(self.controls.by_name, values, strict=True))
        if not is_locked:
            named["seed"] = drawn_seed()
        request = GenerationRequest(**named)
        find_model(request.model, self.models_directory)  # says now what a worker would say late
        job_id = self.journal.submit(request, order=order(kept, fit))
        return str(named["seed"]), [job_id]

    def stop(self, asked: Sequence[Any]) -> None:
        """Stop the newest running job of those that a page asked for."""
        queue.drop_newest(self.journal, [int(job_id) for job_id in asked])

    def stop_job(self, event: gr.EventData) -> None:
        """Stop or unqueue the job whose button was pressed."""
        self.journal.cancel(int(event.id))

    def upscale(self, steps: int, noise: float, event: gr.EventData) -> list[int]:
        """Queue one upscale for each ticked draft, or none if one cannot be. Returns: the jobs."""
        with self.journal.change():
            return [self.journal.submit_upscale(int(clip_id), steps=int(steps), noise=float(noise))
                    for clip_id in event.ids]

    def use_example(self, event: gr.EventData) -> str:
        """Return the example prompt that was pressed."""
        return EXAMPLES[int(event.id)]

    def idea(self, model: str) -> str:
        """Draw a prompt that the model has learnt, or an example if it names none."""
        return random.choice(
            learnt.vocabulary_of(model, self.models_directory).ideas or EXAMPLES)

    def offered(self, model: str) -> str:
        """Describe the model, with a button a subject that it draws; of ideas, if it names none."""
        known = learnt.vocabulary_of(model, self.models_directory)
        offers = known.subjects or known.ideas[:MOST_OFFERED] or EXAMPLES
        buttons = (f'<button type="button" data-offer="{escape(offer, quote=True)}">'
                   f'{escape(_bare(offer) if known.subjects else offer)}</button>'
                   for offer in sorted(offers, key=_bare))
        described = learnt.description_of(model, self.models_directory)
        how = "Press one for a prompt about it, again for another." if known.subjects else ""
        return (learnt.paragraphs([described] * bool(described))
                + f'<p class="note" role="status">{how}</p>'
                + f'<div class="examples">{"".join(buttons)}</div>')

    def use_offer(self, prompt: str, model: str, event: gr.EventData) -> str:
        """Return a prompt about the subject that was pressed, another one than there is."""
        offer = str(event.offer)
        ideas = learnt.vocabulary_of(model, self.models_directory).about(offer)
        return random.choice([idea for idea in ideas if idea != prompt] or [offer])

    def new_words(self, prompt: str, model: str) -> str:
        """Tell which words of a prompt the model has not learnt, and offer one that has, if any."""
        note = learnt.note([prompt], model, self.models_directory)
        if not note:
            return ""
        other = escape(learnt.taught(prompt, self.models_directory), quote=True)
        button = f' <button type="button" data-model="{other}">Use {other}</button>' * bool(other)
        return f"<p>{escape(note)}{button}</p>"

    def use_model(self, event: gr.EventData) -> str:
        """Return the model that the note named, if it is still there. Raises: ModelError."""
        return find_model(event.model, self.models_directory).name

    def measured(self, *costs: Any) -> tuple[str, dict]:
        """Return the estimate, and the seconds of one upscale as the sheet's value."""
        request = _costly(costs)
        seconds = None if request is None else estimate.upscale_seconds(
            request.single(0), self.journal.timings())
        return self.estimate(*costs), {"upscale_seconds": seconds}

    def estimate(self, *costs: Any) -> str:
        """Return how long these settings take on this machine, as a sentence."""
        request = _costly(costs)
        if request is None:
            return ""
        seconds = estimate.seconds(request, self.journal.timings())
        if seconds is None:
            return "How long this takes is not measured yet."
        what = "this draft" if request.drafts == 1 else f"these {request.drafts} drafts"
        return f"About {estimate.spoken(seconds)} for {what} on this machine."


def settings_of(journal: Journal, desk: Desk) -> Callable[[gr.EventData], list[Any]]:
    """Return the handler that puts the settings of the clip in the event back, seed locked."""
    def use(event: gr.EventData) -> list[Any]:
        clip = journal.clip(int(event.id))
        return desk.filled(json.loads(clip.request), opening_of(clip.job))
    return use


def _bare(subject: str) -> str:
    """Return a subject without its article, as lists name it."""
    return re.sub(r"^(an?|the) ", "", subject)


def _costly(costs: tuple[Any, ...]) -> GenerationRequest | None:
    """Return a request with the settings that decide how long it takes; None if one is wrong."""
    try:
        return GenerationRequest("any", **dict(zip(COSTS, costs, strict=True)))
    except RequestError:
        return None


def build(journal: Journal, models_directory: Path | None, live_key: str,
          memory: gr.BrowserState, picture: gr.BrowserState) -> tuple[Desk, gr.HTML]:
    """Place the tab's controls and tie them to the journal, inside the open Blocks.

    live_key: see `sheet.component`. memory, picture: keep the settings and the start picture, see
    events.memory. Returns: the controls, for what else fills them in, and the sheet, whose
    extend_clip event is the page's to tie. Raises: ModelError.
    """
    tab = Create(journal, Panel(journal), Controls(), models_directory)
    place = tab.controls.place
    with gr.Row(elem_id="desk"):
        with gr.Column(elem_id="settings"):
            with gr.Column(elem_id="asked"):
                idea = gr.Button("Surprise me", size="sm", elem_id="idea")
                place("prompt", lines=3, max_lines=8, autofocus=True, placeholder=EXAMPLES[0])
            with gr.Row():
                run = gr.Button("Make drafts", variant="primary", elem_id="run", scale=3)
                stop = gr.Button("Stop", elem_id="stop", scale=1, min_width=80)
            told = gr.Markdown(elem_id="estimate")
            with gr.Accordion("What the model draws", open=False, elem_id="draws"):
                offered = gr.HTML("", elem_id="offered", js_on_load=scripts("offered.js"),
                                  apply_default_css=False)
            new_words = gr.HTML("", elem_id="new-words", js_on_load=scripts("new_words.js"),
                                apply_default_css=False)  # below: a note moves no button
            place("drafts", value=4)
            quality = gr.Radio(list(QUALITY_STEPS), value="Standard", label="Quality",
                               info="Draft is quickest, Fine is cleanest.", elem_id="quality")
            place("guidance")
            draw, lock = _seed_row(tab.controls)
            place("negative_prompt", lines=1, max_lines=4)
            beginning = place_beginning(journal.output_directory)
            model = place("model", allow_custom_value=True,
                          choices=model_names(models_directory))
            problems = gr.HTML(visible=False, elem_id="model-problems", js_on_load=None,
                               apply_default_css=False)
            with gr.Accordion("Advanced", open=False, elem_id="advanced"):
                for name in ADVANCED:
                    place(name)
                tells = gr.Checkbox(True, label="Settings inside files", info=TELLS,
                                    elem_id="tells")
        with gr.Column(elem_id="results"):
            with gr.Accordion("Queue", open=False, elem_id="line"):
                line = queue_panel.component(Editor(journal, models_directory))
            sheet = component(live_key)
    _tie_settings(tab, quality, draw, lock)
    _tie_prompt(tab, new_words)
    _tie_ideas(tab, idea, offered, sheet)
    desk = Desk(tab.controls, lock, beginning)
    sheet.reuse_clip(guarded(settings_of(journal, desk)), outputs=desk.outputs, **PRESSED)
    run_inputs = [lock, *beginning.inputs, *tab.controls.components()]
    _tie_work(tab, sheet, line, told, (run, stop, run_inputs))
    _tie_memory(tab, lock, memory)
    _tie_picture(beginning, picture)
    gr.context.Context.root_block.load(guarded(tab.models), outputs=[model, problems], **QUIET)
    _tie_switch(journal, tells)
    return desk, sheet


def _seed_row(controls: Controls) -> tuple[gr.Button, gr.Checkbox]:
    with gr.Row(elem_id="seed-row"):
        controls.place("seed", scale=3, min_width=120, max_lines=1)
        draw = gr.Button("Random", size="sm", elem_id="draw", scale=1)
        lock = gr.Checkbox(False, label="Lock seed", elem_id="lock", min_width=260,
                           info="Unlocked, every run draws a new seed.")
    return draw, lock


def _tie_settings(tab: Create, quality: gr.Radio, draw: gr.Button, lock: gr.Checkbox) -> None:
    """Let settings follow one another: quality and steps, seed and its lock."""
    named = tab.controls.by_name
    # In the browser, or who is quicker than the answer makes drafts of the level before.
    quality.input(fn=None, js=f"(name) => ({json.dumps(QUALITY_STEPS)})[name]", inputs=quality,
                  outputs=named["steps"])
    named["steps"].change(quality_of, named["steps"], quality, **QUIET)
    draw.click(lambda: (drawn_seed(), True), outputs=[named["seed"], lock], **PRESSED)


def _tie_prompt(tab: Create, new_words: gr.HTML) -> None:
    """Tell what is new to the model."""
    prompt, model = tab.controls.components(("prompt", "model"))
    judge = {"fn": guarded(tab.new_words), "inputs": [prompt, model], "outputs": new_words,
             "trigger_mode": "always_last"} | QUIET
    gr.on([gr.context.Context.root_block.load, prompt.blur, model.change], **judge)
    new_words.rested(**judge)
    prompt.change(js=scripts("settled.js"), **judge)
    new_words.use_model(guarded(tab.use_model), outputs=model, **PRESSED)


def _tie_ideas(tab: Create, idea: gr.Button, offered: gr.HTML, sheet: gr.HTML) -> None:
    """Tell what the model draws, and write prompts for those who have none."""
    prompt, model = tab.controls.components(("prompt", "model"))
    written = gr.Textbox(visible="hidden")
    write = {"fn": None, "inputs": written, "outputs": written,
             "js": "(text) => snapui.write(text)"}
    gr.on([gr.context.Context.root_block.load, model.change], guarded(tab.offered), model, offered,
          trigger_mode="always_last", **QUIET)
    idea.click(guarded(tab.idea), model, written, **PRESSED).then(**write)
    offered.use_offer(guarded(tab.use_offer), [prompt, model], written, **PRESSED).then(**write)
    sheet.use_example(guarded(tab.use_example), outputs=written, **PRESSED).then(**write)


def _tie_work(tab: Create, sheet: gr.HTML, line: gr.HTML, told: gr.Markdown,
              keys: tuple) -> None:
    """Tie buttons and the sheet to the journal; what is pressed is looked for at once."""
    run, stop, run_inputs = keys
    controls, costs = tab.controls, tab.controls.components(COSTS)
    look = {"fn": None, "js": "() => snapui.look()"}
    asked = gr.JSON([], visible="hidden")  # jobs; live.js keeps them, for Stop names no other
    remember = {"fn": None, "inputs": asked, "js": "(ids) => snapui.ask(ids)"}
    run.click(guarded(tab.run), run_inputs, [controls.by_name["seed"], asked],
              **PRESSED).then(**remember)
    stop.click(guarded(tab.stop, has_outputs=False), asked, js="() => [snapui.asked()]",
               **PRESSED).then(**look)
    sheet.stop_job(guarded(tab.stop_job, has_outputs=False), **EACH).then(**look)
    sheet.upscale_clips(guarded(tab.upscale), controls.components(
        ("upscale_steps", "upscale_noise")), asked, **EACH).then(**remember)
    queue_panel.tie(tab.panel, line, look, **EACH)
    measure = {"fn": guarded(tab.measured), "inputs": costs, "outputs": [told, sheet]} | QUIET
    sheet.measured(**measure)
    gr.on([gr.context.Context.root_block.load, *(cost.change for cost in costs)],
          trigger_mode="always_last", **measure)


def _tie_memory(tab: Create, lock: gr.Checkbox, memory: gr.BrowserState) -> None:
    """Keep what was typed in the browser, and put it back after a refresh."""
    names = ["lock", *tab.controls.by_name]
    components = [lock, *tab.controls.components()]

    def restore(values: Any) -> list[Any]:
        if not isinstance(values, dict) or not values:  # do not undo what is typed meanwhile
            return [gr.skip() for _ in components]
        return [values.get("lock") is True, *tab.controls.show(values)]

    remember = (f"(...values) => Object.fromEntries({json.dumps(names)}"
                ".map((name, place) => [name, values[place]]))")
    gr.context.Context.root_block.load(guarded(restore), memory, components, **QUIET)
    gr.on([component.change for component in components], fn=None, js=remember,
          inputs=components, outputs=memory)


def _tie_picture(beginning: Beginning, memory: gr.BrowserState) -> None:
    """Remember the start picture, which is kept by the program: the browser knows its path."""
    gr.context.Context.root_block.load(guarded(beginning.restored), memory, beginning.outputs,
                                       **QUIET)
    gr.on([beginning.kept.change, beginning.fit.change], fn=None,
          js="(picture, fit) => ({ picture, fit })", inputs=beginning.inputs, outputs=memory)


def _tie_switch(journal: Journal, tells: gr.Checkbox) -> None:
    """Show the journal's own switch, and change it."""
    gr.context.Context.root_block.load(guarded(lambda: inside.tells(journal)), outputs=tells,
                                       **QUIET)
    tells.input(guarded(lambda is_wanted: inside.tell(journal, is_wanted)), tells, **PRESSED)
