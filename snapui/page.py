"""Assembles the page: masthead, tabs, and the named endpoints for programs."""

import json
from pathlib import Path

import gradio as gr

from snapui import api, refill
from snapui.events import PRESSED, QUIET, memory
from snapui.guard import guarded
from snapui.jobs import Journal
from snapui.tabs import compare, create, extend, library

MASTHEAD = """<div class="masthead"><h1>Snap Video<span>type a prompt, get a clip</span></h1>
<button type="button" id="look" aria-label="Switch between light and dark">Light / dark</button>
</div><p id="trouble" role="alert"></p>"""


def build(journal: Journal, models_directory: Path | None = None, live_key: str = "") -> gr.Blocks:
    """Return the page of one journal, not launched yet. Raises: ModelError.

    live_key: what the page shows when it asks what is new, see `live.Live`.
    """
    with gr.Blocks(title="Snap Video", analytics_enabled=False, fill_width=True) as page:
        with gr.Row(elem_id="top"):
            gr.HTML(MASTHEAD, js_on_load=None, apply_default_css=False)
            taken = refill.button()
        api.build(journal, models_directory)  # first: these endpoints own their names
        said = refill.notice()
        kept = {name: memory(name) for name in (
            "tab", "create", "picture", "extend", "files", "compare", "library")}
        with gr.Tabs(elem_id="tabs") as tabs:
            with gr.Tab("Create", id="create") as create_tab:
                desk, sheet = create.build(journal, models_directory, live_key, kept["create"],
                                           kept["picture"])
            with gr.Tab("Extend", id="extend") as extend_tab:
                longer = extend.build(journal, desk, kept["extend"], kept["files"],
                                      models_directory)
            with gr.Tab("Compare", id="compare") as compare_tab:
                beside, compared = compare.build(journal, desk, kept["compare"], models_directory)
            with gr.Tab("Library", id="library") as library_tab:
                shelf = library.build(journal, kept["library"], models_directory)
        for one in (desk.beginning.kept, *longer.form.kept):
            one.render()
        refill.tie(taken, said, tabs, refill.Fields(desk, longer, beside), models_directory)
        shelf.use_clip(guarded(refill.use_of(desk, longer)),
                       outputs=refill.use_outputs(tabs, desk, longer), **PRESSED)
        shelf.compare_clips(guarded(beside.put_together), outputs=[tabs, compared], **PRESSED)
        for clips in (sheet, shelf):
            clips.extend_clip(guarded(longer.tab.open_clip), outputs=[tabs, longer.chosen],
                              **PRESSED)
        extend_tab.select(**longer.opened)
        compare_tab.select(guarded(beside.listed_anew), compared, compared, **QUIET)
        _tie_tabs(tabs, {"create": create_tab, "extend": extend_tab, "compare": compare_tab,
                         "library": library_tab}, kept["tab"])
    return page


def _tie_tabs(tabs: gr.Tabs, by_name: dict[str, gr.Tab], kept: gr.BrowserState) -> None:
    """Remember the open tab in the browser.

    It is opened again without asking the server, whose answer could come after the visitor has
    chosen another.
    """
    restore = (f"(opened) => ({{ __type__: 'update', selected: {json.dumps(list(by_name))}"
               ".includes(opened) ? opened : 'create' })")
    gr.context.Context.root_block.load(None, kept, tabs, js=restore, **QUIET)
    for name, tab in by_name.items():
        tab.select(lambda name=name: name, outputs=kept, **QUIET)
