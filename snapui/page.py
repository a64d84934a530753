"""Assembles the page: masthead, tabs, and the named endpoints for programs."""

from pathlib import Path

import gradio as gr

from engine.catalog import list_models
from snapui import api
from snapui.jobs import Journal
from snapui.tabs import create

MASTHEAD = """<div class="masthead"><h1>Snap Video<span>type a prompt, get a clip</span></h1>
<button type="button" id="look" aria-label="Switch between light and dark">Light / dark</button>
</div>"""


def build(journal: Journal, models_directory: Path | None = None) -> gr.Blocks:
    """Return the page of one journal, not launched yet. Raises: ModelError."""
    models = [card.name for card in list_models(models_directory)]
    with gr.Blocks(title="Snap Video", analytics_enabled=False, fill_width=True) as page:
        gr.HTML(MASTHEAD, js_on_load=None, apply_default_css=False)
        api.build(journal)  # first: these endpoints own their names
        create.build(journal, models)
    return page
