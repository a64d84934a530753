"""Draws a comparison: a labelled grid of canvases that player.js plays in lockstep.

Python writes labels, controls and tally as HTML with every text escaped; only pixels are drawn in
the browser, from one lossless picture of all frames per cell, so frame five is frame five in every
cell. On a blind ballot the page is not told which column is which.
"""

from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path

import gradio as gr

from engine.errors import MediaError
from snapui.compare import Place
from snapui.comparisons import Standing
from snapui.copies import filmstrip, strip_width
from snapui.files import file_url
from snapui.grid import told_apart
from snapui.schema import Job
from snapui.standing import step_told
from snapui.theme import scripts
from snapui.votes import ASPECTS, LETTERS, Ballot, Score, aspects_of

TEMPLATE = """
<div class="standing"><p class="told" role="status"></p>
<button type="button" class="stop" hidden>Stop</button></div>
<div class="transport" hidden>
<button type="button" class="play primary">Pause</button>
<button type="button" class="back" aria-label="One frame back">◀</button>
<button type="button" class="forth" aria-label="One frame on">▶</button>
<input type="range" class="scrub" min="0" value="0" step="1" aria-label="Frame">
<output class="place"></output>
<label>Speed <select class="speed"><option value="0.1">1/10</option>
<option value="0.25">1/4</option><option value="0.5">1/2</option>
<option value="1" selected>1</option><option value="2">2</option></select></label>
<label><input type="checkbox" class="loop" checked> Loop</label>
<label><input type="checkbox" class="difference"> Difference from the first column</label>
</div>
<div class="grid"></div>
<p class="failed" role="alert" hidden></p>
<div class="after"></div>
"""
EMPTY = """<div class="empty"><p class="lead">See what one setting does</p>
<p>Choose what varies, write two to four values, and press Compare. All clips start from the same
noise, so what differs between them is what you changed.</p></div>"""
CANNOT_TELL = "Cannot tell"
STATES = {"queued": "Waiting", "paused": "Paused", "failed": "Failed", "cancelled": "Stopped",
          "done": "In the bin, or deleted"}


def component(save: Callable[[dict], dict]) -> gr.HTML:
    """Return the empty player; `value` fills it.

    save: a function of that name, which the page's script calls.
    Its events: start_ballot, end_ballot, cast_vote (choices), stop_comparison (id), look_again.
    """
    return gr.HTML(value={}, html_template=TEMPLATE, elem_id="player", apply_default_css=False,
                   js_on_load=scripts("morph.js", "save.js", "player.js"), server_functions=[save])


class Player:
    """Draws comparisons whose files are in one output folder."""

    def __init__(self, output_directory: Path) -> None:
        self._folder = output_directory

    def empty(self) -> dict:
        """Return what is shown before the first comparison."""
        return {"id": 0, "told": "", "stop": "", "count": 0, "fps": 1,
                "grid": [["empty", EMPTY]], "after": []}

    def value(self, standing: Standing) -> dict:
        """Return what the component shows of a comparison, all names visible."""
        plan, heads = standing.plan, standing.plan.heads
        rows = [(plan.row_told(row), [(row, column) for column in range(len(heads))])
                for row in range(plan.row_count)]
        after = [["tally", _tally(standing, heads)]]
        if standing.clips:
            after.insert(0, ["export", _buttons(len(standing.clips) == len(standing.jobs))])
        return self._value(standing, heads, rows, after)

    def ballot(self, standing: Standing, ballot: Ballot) -> dict:
        """Return what the component shows of a ballot: letters instead of names."""
        letters = LETTERS[:len(ballot.order)]
        places = [(ballot.row, column) for column in ballot.order]
        told = ""
        if standing.plan.has_one_prompt:
            told = f"Prompt: {standing.plan.cell(ballot.row, 0).prompt}"
        vote = [["vote", _vote_form(aspects_of(standing.plan), letters)]]
        return self._value(standing, letters, [(told, places)], vote)

    def _value(self, standing: Standing, heads: Sequence[str], rows: list[tuple[str, list[Place]]],
               after: list[list[str]]) -> dict:
        clock = standing.clock
        html = [f'<div class="cells" style="--columns: {len(heads)}">']
        for label, places in rows:
            html.append(f'<h3 dir="auto">{escape(label)}</h3>' * bool(label))
            html += [self._cell(standing, place, *labels)
                     for place, *labels in zip(places, heads, told_apart(heads), strict=True)]
        made, total = len(standing.clips), len(standing.jobs)
        stop = ("Stopping" if standing.is_stopping else "Stop") if standing.is_active else ""
        return {"id": standing.id, "fps": clock.fps, "count": clock.count,
                "told": "" if made == total else f"{made} of {total} clips are there.",
                "grid": [["cells", "".join(html) + "</div>"]], "after": after, "stop": stop}

    def _cell(self, standing: Standing, place: Place, head: str, short: str) -> str:
        try:
            inside = (self._canvas(standing, place, head) if place in standing.clips
                      else _blank(_state(standing.jobs[place])))
        except MediaError as error:  # its files are gone or damaged
            inside = _blank(str(error))
        return (f'<figure><figcaption dir="auto" title="{escape(head, quote=True)}">'
                f"{escape(short)}</figcaption>{inside}</figure>")

    def _canvas(self, standing: Standing, place: Place, head: str) -> str:
        clip = standing.clips[place]
        url = file_url(self._folder, filmstrip(self._folder, clip))
        return (f'<canvas role="img" aria-label="{escape(head, quote=True)}" data-url="{url}" '
                f'data-row="{place[0]}" data-frames="{clip.frames}" '
                f'data-share="{standing.clock.shares[place]}" '
                f'data-across="{strip_width(clip.frames)}" '
                f'width="{clip.width}" height="{clip.height}"></canvas>')


def _blank(text: str) -> str:
    return f'<div class="blank">{escape(text)}</div>'


def _state(job: Job) -> str:
    """Return what a cell without a clip is waiting for."""
    if job.state == "running" and job.step:
        return step_told(job).capitalize()
    if job.state == "failed":
        return f"Failed: {job.error}"
    return STATES.get(job.state, "Preparing")


def _buttons(is_whole: bool) -> str:
    blind = "" if is_whole else " disabled"
    return ('<div class="actions"><button type="button" data-act="export" data-kind="mp4">Save as '
            'MP4</button><button type="button" data-act="export" data-kind="png">Save this frame '
            f'as PNG</button><button type="button" data-act="ballot"{blind}>Vote blind</button>'
            "</div>")


def _vote_form(aspects: tuple[str, ...], letters: Sequence[str]) -> str:
    """Return the ballot's questions."""
    questions = []
    for aspect in aspects:
        answers = "".join(
            f'<label><input type="radio" name="{aspect}" value="{answer}" required> {answer}'
            "</label>" for answer in [*letters, CANNOT_TELL])
        questions.append(f"<fieldset><legend>{ASPECTS[aspect]}</legend>{answers}</fieldset>")
    return (f'<form class="vote"><p>The clips are shuffled and their names hidden until you have '
            f'voted.</p>{"".join(questions)}<div class="actions"><button class="primary">Vote'
            '</button><button type="button" data-act="leave">Stop voting</button></div></form>')


def _tally(standing: Standing, heads: list[str]) -> str:
    """Return the wins so far as a table."""
    voted = {aspect: row for aspect, row in standing.tally.items() if row[0].votes}
    if not voted:
        return '<p class="note">No votes yet. A blind vote hides which clip is which.</p>'
    columns = "".join(f'<th scope="col" dir="auto">{escape(head)}</th>' for head in heads)
    rows = "".join(f'<tr><th scope="row">{aspect.capitalize()}</th>'
                   f'{"".join(f"<td>{_score(score)}</td>" for score in row)}</tr>'
                   for aspect, row in voted.items())
    return ('<div class="tally"><table><caption>Blind votes: wins, and the share of wins that they '
            'make 95% plausible (Wilson interval)</caption><thead><tr><th scope="col">Better in'
            f"</th>{columns}</tr></thead><tbody>{rows}</tbody></table></div>")


def _score(score: Score) -> str:
    low, high = score.interval
    return (f"{score.wins} of {score.votes}<span>{100 * low:.0f} to {100 * high:.0f}%</span>")
