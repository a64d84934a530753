"""Assembles the page: masthead, tabs, and the named endpoints for programs."""

from pathlib import Path
from typing import Any

import gradio as gr

from engine.catalog import list_models
from snapui import api, refill
from snapui.events import PRESSED, QUIET, memory
from snapui.guard import guarded
from snapui.jobs import Journal
from snapui.tabs import compare, create, extend, library

MASTHEAD = """<div class="masthead"><h1>Snap Video<span>type a prompt, get a clip</span></h1>
<button type="button" id="look" aria-label="Switch between light and dark">Light / dark</button>
</div>"""


def build(journal: Journal, models_directory: Path | None = None) -> gr.Blocks:
    """Return the page of one journal, not launched yet. Raises: ModelError."""
    models = [card.name for card in list_models(models_directory)]
    with gr.Blocks(title="Snap Video", analytics_enabled=False, fill_width=True) as page:
        with gr.Row(elem_id="top"):
            gr.HTML(MASTHEAD, js_on_load=None, apply_default_css=False)
            taken = refill.button()
        api.build(journal, models_directory)  # first: these endpoints own their names
        said = refill.notice()
        kept = {name: memory(name) for name in (
            "tab", "create", "extend", "compare", "library")}
        with gr.Tabs(elem_id="tabs") as tabs:
            with gr.Tab("Create", id="create") as create_tab:
                desk, sheet = create.build(journal, models, kept["create"])
            with gr.Tab("Extend", id="extend") as extend_tab:
                longer = extend.build(journal, desk, kept["extend"], models_directory)
            with gr.Tab("Compare", id="compare") as compare_tab:
                compare_timer = compare.build(journal, desk, kept["compare"])
            with gr.Tab("Library", id="library") as library_tab:
                shelf, library_timer = library.build(journal, kept["library"])
        refill.tie(taken, said, tabs, desk, longer, models_directory)
        shelf.use_clip(guarded(library.settings_of(journal, desk)), outputs=[tabs, *desk.outputs],
                       **PRESSED)
        for clips in (sheet, shelf):
            clips.extend_clip(guarded(longer.tab.open_clip), outputs=[tabs, longer.chosen],
                              **PRESSED)
        extend_tab.select(**longer.opened)
        _tie_tabs(tabs, {"create": (create_tab, None), "extend": (extend_tab, longer.timer),
                         "compare": (compare_tab, compare_timer),
                         "library": (library_tab, library_timer)}, kept["tab"])
    return page


def _tie_tabs(tabs: gr.Tabs, by_name: dict[str, tuple[gr.Tab, gr.Timer | None]],
              kept: gr.BrowserState) -> None:
    """Remember the open tab in the browser; a tab's timer runs only while the tab is open."""
    timers = {name: timer for name, (_, timer) in by_name.items() if timer is not None}

    def running(opened: str) -> list[gr.Timer]:
        return [gr.Timer(active=name == opened) for name in timers]

    def restore(opened: Any) -> list[Any]:
        opened = opened if opened in by_name else "create"
        return [gr.Tabs(selected=opened), *running(opened)]

    gr.context.Context.root_block.load(guarded(restore), kept, [tabs, *timers.values()], **QUIET)
    for name, (tab, _) in by_name.items():
        tab.select(lambda name=name: [name, *running(name)], outputs=[kept, *timers.values()],
                   **QUIET)
