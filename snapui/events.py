"""How the page's events are sent, and where a browser keeps what was typed."""

import gradio as gr

# What the page does by itself: at once, past the queue, and not an endpoint of the API.
QUIET = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
# What is pressed may have to say what went wrong: Gradio shows messages of queued events only.
PRESSED = QUIET | {"queue": True, "concurrency_limit": None}
# Of an event that many buttons share: Gradio drops one that comes before the last is answered, and
# whoever stops two jobs quickly means both.
EACH = PRESSED | {"trigger_mode": "multiple"}


def memory(name: str) -> gr.BrowserState:
    """Place a memory in the visitor's browser, None at first; memory.js keeps its tabs apart.

    Call this outside of the tabs: Gradio mounts what is in a tab only once it is opened, and a
    memory that is not mounted is empty when the page loads. Browsers keep it scrambled with the
    secret, a fixed one, so that it outlives a restart.
    """
    return gr.BrowserState(storage_key=f"snapui-memory-{name}",
                           secret="snapui settings, not a secret")
