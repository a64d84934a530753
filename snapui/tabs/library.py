"""The library tab: find what was made, see it large, take its settings, name, star and bin it."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from snapui import inside
from snapui.copies import converted
from snapui.events import EACH, PRESSED, QUIET
from snapui.files import file_url
from snapui.films import Films
from snapui.folder import is_here, open_folder
from snapui.guard import answered, guarded
from snapui.jobs import Journal
from snapui.library import VIEWS, Library
from snapui.shelf import Shelf, component

CHANGES = {"rename": Library.rename, "star": Library.star, "bin": Library.bin,
           "put_back": Library.put_back}


class LibraryTab:
    """The tab's handlers. What is looked at is always `words, view, number`."""

    def __init__(self, journal: Journal, models_directory: Path | None = None) -> None:
        self.journal = journal
        self.films = Films(journal, models_directory)
        self.library = Library(journal)
        self.shelf = Shelf(journal.output_directory)

    def look(self, words: str, view: str, number: int) -> tuple[dict, int]:
        """Return what the component shows and the page's number."""
        page = self.library.page(words, view, number)
        return self.shelf.value(page, words, view), page.number

    def search(self, words: str, view: str) -> tuple[dict, int]:
        """Look at the first page of what is found."""
        return self.look(words, view, 0)

    def turn_page(self, words: str, view: str, event: gr.EventData) -> tuple[dict, int]:
        """Look at the page whose button was pressed."""
        return self.look(words, view, int(event.number))

    def change(self, event: gr.EventData) -> None:
        """Rename, star, bin or put back the clip whose button was pressed."""
        CHANGES[event.act](self.library, int(event.id), *event.values)

    def bin_ticked(self, event: gr.EventData) -> None:
        """Put all ticked clips in the bin, or none if one cannot be."""
        told = self._change_all(event.ids, self.library.bin)
        gr.Info(f"{told} put in the bin. Choose Bin to take any of them out again.")

    def put_back_ticked(self, event: gr.EventData) -> None:
        """Take all ticked clips out of the bin, or none if one cannot be."""
        gr.Info(f"{self._change_all(event.ids, self.library.put_back)} taken out of the bin.")

    def _change_all(self, numbers: Sequence[Any], change: Callable[[int], None]) -> str:
        """Change all of these clips or none. Returns: how many, in words."""
        ids = [int(number) for number in numbers]
        with self.journal.change():
            for clip_id in ids:
                change(clip_id)
        return f"{len(ids)} clip{'s' * (len(ids) > 1)}"

    def empty_bin(self) -> None:
        """Delete the binned clips for good, and tell of those that are still needed."""
        self.library.empty_bin()
        if needed := self.library.needed():
            gr.Info(f"{needed} clip{'s' * (needed > 1)} stayed in the bin: unfinished jobs go on "
                    "from there. Empty it again when they are done.")

    def upscale(self, event: gr.EventData) -> None:
        """Queue the upscale of the open draft as the fields beside it say."""
        self.films.upscale(int(event.id), steps=event.steps, noise=event.noise)
        gr.Info("The upscale is queued; it will be the newest clip here.")

    def open_folder(self, asked: dict, request: gr.Request) -> dict:
        """Show the open clip's folder in the file manager, or say where it is."""
        clip = self.journal.clip(int(asked["id"]))
        folder = (self.journal.output_directory / clip.path).parent
        if is_here(request) and open_folder(folder):
            return {"told": ""}
        return {"told": f"The clip is in {folder} on the machine that runs this program."}

    def describe(self, asked: dict) -> dict:
        """Return the details of a clip as HTML."""
        return {"html": self.shelf.details(self.journal.clip(int(asked["id"])))}

    def among(self, asked: dict) -> dict:
        """Return which of the ticked clips are still in the bin, or out of it."""
        ids = [int(number) for number in asked["ids"]]
        return {"ids": self.library.among(ids, bool(asked["is_binned"]))}

    def convert(self, asked: dict) -> dict:
        """Return where a clip in another format is found."""
        folder = self.journal.output_directory
        path = converted(folder, self.journal.clip(int(asked["id"])), asked["suffix"],
                         tells=inside.tells(self.journal))
        return {"url": file_url(folder, path), "name": Path(path).name}


def build(journal: Journal, memory: gr.BrowserState,
          models_directory: Path | None) -> gr.HTML:
    """Place the tab inside the open Blocks.

    memory: keeps the search, see events.memory.
    Returns: the component, whose use_clip event is the page's to tie.
    """
    tab = LibraryTab(journal, models_directory)
    with gr.Row(elem_id="finder"):
        words = gr.Textbox("", label="Search", elem_id="search", max_lines=1, scale=3,
                           info="Words of the prompt or the name, in any order.")
        view = gr.Radio(list(VIEWS), value=VIEWS[0], label="Show", elem_id="view", scale=1,
                        info="The bin keeps clips until you empty it.")
    shelf = component(*map(answered, (tab.describe, tab.convert, tab.open_folder, tab.among)))
    number = gr.State(0)
    looked, shown = [words, view, number], [shelf, number]
    look = {"fn": guarded(tab.look), "inputs": looked, "outputs": shown} | QUIET
    gr.on([words.change, view.change], guarded(tab.search), [words, view], shown,
          trigger_mode="always_last", **QUIET)
    shelf.look_again(**look)
    shelf.turn_page(guarded(tab.turn_page), [words, view], shown, **QUIET)
    shelf.change_clip(guarded(tab.change, has_outputs=False), **EACH).then(**look)
    shelf.bin_clips(guarded(tab.bin_ticked, has_outputs=False), **PRESSED).then(**look)
    shelf.put_back_clips(guarded(tab.put_back_ticked, has_outputs=False), **PRESSED).then(**look)
    shelf.empty_bin(guarded(tab.empty_bin, has_outputs=False), **PRESSED).then(**look)
    shelf.upscale_clip(guarded(tab.upscale, has_outputs=False), **EACH)
    _tie_memory(words, view, look, memory)
    return shelf


def _tie_memory(words: gr.Textbox, view: gr.Radio, look: dict,
                memory: gr.BrowserState) -> None:
    """Keep the search in the browser, and do it again after a refresh."""

    def restore(kept: Any) -> tuple[Any, Any]:
        kept = kept if isinstance(kept, dict) else {}
        search, shown = kept.get("words"), kept.get("view")
        return (search if isinstance(search, str) else gr.skip(),
                shown if shown in VIEWS else gr.skip())

    gr.context.Context.root_block.load(guarded(restore), memory, [words, view],
                                       **QUIET).then(**look)
    gr.on([words.change, view.change], fn=None, js="(words, view) => ({ words, view })",
          inputs=[words, view], outputs=memory)
