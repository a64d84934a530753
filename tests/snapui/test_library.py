"""The library: what is found, what the bin keeps, and how long a page takes."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from engine.errors import MediaError
from engine.media import (
    known_suffixes,
    read_clip,
    read_metadata,
    read_request,
    request_metadata,
    write_clip,
)
from engine.request import GenerationRequest
from snapui import crew
from snapui.copies import converted, drop_copies, filmstrip
from snapui.files import write_loop
from snapui.jobs import Journal
from snapui.library import PAGE_CLIPS, Library
from snapui.schema import SCHEMA_VERSION, Clip, Film, Job, JournalError, Number, Worker
from snapui.tabs.library import LibraryTab
from tests.snapui.stand_in import moving_bar
from tests.snapui.test_jobs import CLIP

PAGE_SECONDS = 0.1  # of this process alone: the machine may be doing other things


@pytest.fixture
def shelf(journal):
    return Library(journal)


def add(journal, prompt="a dog", **values):
    """Write the row of a finished clip, without files."""
    job = Job.create(kind="draft", state="done", request="{}")
    return Clip.create(**CLIP | {"job": job, "kind": "draft", "prompt": prompt} | values).id


def add_with_files(journal, seed=5):
    """Write a finished clip as the worker does."""
    request = GenerationRequest(prompt="a dog", seed=seed)
    frames, folder = moving_bar(seed, 36, 64), journal.output_directory
    (folder / "loops").mkdir(exist_ok=True)
    write_clip(folder / f"day/{seed}.mp4", frames, 12, request_metadata(request))
    write_loop(folder / f"loops/{seed}.webp", frames, 12)
    return add(journal, request=request.to_json(), path=f"day/{seed}.mp4",
               loop=f"loops/{seed}.webp")


def prompts(page):
    return [clip.prompt for clip in page.clips]


def test_the_newest_clip_comes_first(journal, shelf):
    for prompt in ("one", "two", "three"):
        add(journal, prompt)
    assert prompts(shelf.page()) == ["three", "two", "one"]


@pytest.mark.parametrize(("words", "found"), [
    ("dog", 2), ("DOG left", 1), ("left dog", 1), ("dog cat", 0), ("  ", 3), ("100%", 1),
    ("%", 1), ("_", 0), ("Oskar", 1), ("'; drop table clip; --", 0)])
def test_every_word_must_be_in_the_prompt_or_the_name(journal, shelf, words, found):
    add(journal, "a dog walking to the left")
    shelf.rename(add(journal, "a dog in snow"), "Oskar in winter")
    add(journal, "a cat, 100% black")
    assert shelf.page(words).found == found


@pytest.mark.parametrize("words", [
    "äpfelbaum", "ÄPFELBAUM", "панда", "STRASSE", "Äpfelbaum, панда"])
def test_a_word_is_found_in_any_case_of_any_alphabet(journal, shelf, words):
    shelf.rename(add(journal, "Ein Äpfelbaum, ПАНДА"), "In der Straße")
    add(journal, "an apple tree, a panda")
    assert shelf.page(words).found == 1


def test_pages_hold_every_clip_once(journal, shelf):
    ids = [add(journal) for _ in range(2 * PAGE_CLIPS + 1)]
    pages = [shelf.page(number=number) for number in range(3)]
    assert [clip.id for page in pages for clip in page.clips] == ids[::-1]
    assert {(page.pages, page.found) for page in pages} == {(3, len(ids))}


@pytest.mark.parametrize(("asked", "number"), [(-3, 0), (0, 0), (99, 1)])
def test_a_page_that_is_not_there_means_the_nearest_one(journal, shelf, asked, number):
    for _ in range(PAGE_CLIPS + 1):
        add(journal)
    assert shelf.page(number=asked).number == number


def test_an_empty_library_has_one_empty_page(shelf):
    assert (shelf.page().pages, shelf.page().found, shelf.page().clips) == (1, 0, [])


def test_views_show_starred_and_binned_clips(journal, shelf):
    _, starred, binned = (add(journal, name) for name in ("plain", "starred", "binned"))
    shelf.star(starred, True)
    shelf.star(binned, True)
    shelf.bin(binned)
    assert prompts(shelf.page()) == ["starred", "plain"]
    assert prompts(shelf.page(view="Starred")) == ["starred"]
    assert prompts(shelf.page(view="Bin")) == ["binned"]
    shelf.put_back(binned)
    shelf.star(starred, False)
    assert prompts(shelf.page(view="Starred")) == ["binned"]
    with pytest.raises(JournalError, match="no view"):
        shelf.page(view="Trash")


def test_ticks_are_known_to_be_of_clips_in_the_bin_or_out_of_it_and_of_none_that_are_gone(
        journal, shelf):
    kept, binned, gone = (add(journal) for _ in range(3))
    tab, asked = LibraryTab(journal), {"ids": [kept, binned, gone]}
    shelf.bin(gone)
    shelf.empty_bin()
    shelf.bin(binned)
    assert tab.among(asked | {"is_binned": False}) == {"ids": [kept]}
    assert tab.among(asked | {"is_binned": True}) == {"ids": [binned]}
    assert tab.among({"ids": [], "is_binned": True}) == {"ids": []}


def test_a_binned_clip_leaves_the_contact_sheet_and_comes_back(journal, shelf):
    journal.submit(GenerationRequest(prompt="a dog"))
    journal.finish(journal.claim("w"), [CLIP], [])
    (clip,) = journal.snapshot(10).clips[1]
    shelf.bin(clip.id)
    assert journal.snapshot(10).clips == {}
    shelf.put_back(clip.id)
    assert [one.id for one in journal.snapshot(10).clips[1]] == [clip.id]


def test_a_name_is_one_line_of_at_most_two_hundred_characters(journal, shelf):
    clip_id = add(journal)
    shelf.rename(clip_id, "  a\n\tname " + "x" * 500)
    assert journal.clip(clip_id).title.startswith("a name xxx")
    assert len(journal.clip(clip_id).title) == 200


def test_every_change_is_seen_by_the_pages(journal, shelf):
    clip_id = add(journal)
    for change in (lambda: shelf.star(clip_id, True), lambda: shelf.rename(clip_id, "a"),
                   lambda: shelf.bin(clip_id), lambda: shelf.put_back(clip_id)):
        before = journal.revision()
        change()
        assert journal.revision() > before


def test_a_clip_that_is_gone_cannot_be_changed(shelf):
    with pytest.raises(JournalError, match="no clip number 7"):
        shelf.star(7, True)


def test_only_emptying_the_bin_deletes_files(journal, shelf):
    kept, gone = add_with_files(journal, 1), add_with_files(journal, 2)
    folder = journal.output_directory
    copy = folder / converted(folder, journal.clip(gone), ".gif")
    shelf.bin(gone)
    assert (folder / "day/2.mp4").exists() and copy.exists()
    assert shelf.empty_bin() == 1
    assert not any(path.exists() for path in (folder / "day/2.mp4", folder / "loops/2.webp", copy))
    assert (folder / "day/1.mp4").exists() and (folder / "loops/1.webp").exists()
    assert [clip.id for clip in shelf.page().clips] == [kept]
    assert shelf.page(view="Bin").found == 0


@pytest.mark.parametrize("words", ["dog", "giraffe", ""])
def test_the_bin_says_how_many_clips_go_when_it_is_emptied_whatever_is_searched_for(
        journal, shelf, words):
    tab = LibraryTab(journal)
    for prompt in ("a dog", "a cat", "a ghost"):
        shelf.bin(add(journal, prompt))
    assert tab.look(words, "Bin", 0)[0]["binned"] == 3 == shelf.empty_bin()
    add(journal)
    assert tab.look(words, "All", 0)[0]["binned"] == tab.look(words, "Bin", 0)[0]["binned"] == 0


def test_a_deleted_clips_number_is_given_to_no_other(journal, shelf):
    def finished():
        journal.submit(GenerationRequest(prompt="a dog"))
        job = journal.claim("w")
        journal.finish(job, [CLIP, CLIP], [])
        return [clip.id for clip in journal.clips_of(job.id)]

    gone = finished()
    for clip_id in gone:
        shelf.bin(clip_id)
    shelf.empty_bin()
    assert finished() == [gone[1] + 1, gone[1] + 2]


def test_the_bin_can_be_emptied_after_the_files_were_deleted_by_hand(journal, shelf):
    shelf.bin(add(journal, path="gone/already.mp4"))
    assert shelf.empty_bin() == 1


def test_emptying_the_bin_tells_of_clips_that_jobs_go_on_from(journal, shelf, monkeypatch):
    told = []
    monkeypatch.setattr("snapui.tabs.library.gr.Info", told.append)
    tab, needed, free = LibraryTab(journal), add_with_files(journal, 1), add_with_files(journal, 2)
    Job.create(kind="extension", request="{}", source=needed)
    for clip_id in (needed, free):
        shelf.bin(clip_id)
    tab.empty_bin()
    assert told and told[0].startswith("1 clip stayed in the bin: unfinished jobs go on from")
    assert [clip.id for clip in shelf.page(view="Bin").clips] == [needed]
    assert (journal.output_directory / "day/1.mp4").exists()
    Job.update(state="done").execute()
    tab.empty_bin()
    assert len(told) == 1 and shelf.page(view="Bin").found == 0


@pytest.mark.parametrize("suffix", known_suffixes())
def test_a_clip_is_had_in_every_format_with_its_settings(journal, suffix):
    clip, folder = journal.clip(add_with_files(journal)), journal.output_directory
    path = folder / converted(folder, clip, suffix)
    assert (path.suffix, path.stem) == (suffix, "5")
    assert read_clip(path).frames.shape == (16, 36, 64, 3)
    assert read_request(path) == GenerationRequest.from_json(clip.request)
    before = path.stat().st_mtime_ns
    converted(folder, clip, suffix)
    assert path.stat().st_mtime_ns == before, "it is made once"


def test_one_copy_is_made_at_a_time_and_each_once(journal, monkeypatch):
    clip, folder = journal.clip(add_with_files(journal)), journal.output_directory
    at_once, most, written, all_ask = [], [], [], threading.Barrier(4)

    def write(path, *_):
        at_once.append(path)
        most.append(len(at_once))
        time.sleep(0.2)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        written.append(path.suffix)
        at_once.remove(path)

    def convert(suffix):
        all_ask.wait()
        return converted(folder, clip, suffix) if suffix else filmstrip(folder, clip)

    monkeypatch.setattr("snapui.copies.write_clip", write)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(convert, (".gif", ".gif", ".webm", "")))
    assert sorted(written) == [".gif", ".png", ".webm"]
    assert max(most) == 1


@pytest.mark.parametrize("suffix", known_suffixes())
def test_a_copy_that_is_to_tell_nothing_carries_no_settings(journal, suffix):
    clip, folder = journal.clip(add_with_files(journal)), journal.output_directory
    path = folder / converted(folder, clip, suffix, tells=False)
    assert read_clip(path).frames.shape == (16, 36, 64, 3)
    assert read_metadata(path) == {}
    assert read_metadata(folder / converted(folder, clip, suffix)), "the other one still tells"
    drop_copies(folder, clip.id)
    assert not path.exists()


def test_a_file_that_tells_nothing_needs_no_copy(journal):
    clip, folder = journal.clip(add_with_files(journal)), journal.output_directory
    write_clip(folder / clip.path, moving_bar(5, 36, 64), 12)
    assert converted(folder, clip, ".mp4", tells=False) == clip.path


def test_lossless_formats_get_the_drafts_exact_frames(journal):
    clip, folder = journal.clip(add_with_files(journal)), journal.output_directory
    frames = read_clip(folder / converted(folder, clip, ".png")).frames
    assert (frames == moving_bar(5, 36, 64)).all()


@pytest.mark.parametrize("suffix", ["", ".exe", "/../../x.gif", ".MP4"])
def test_no_other_format_can_be_asked_for(journal, suffix):
    with pytest.raises(MediaError, match="choose one of"):
        converted(journal.output_directory, journal.clip(add(journal)), suffix)


@pytest.mark.parametrize("suffix", [".gif", ".mp4"])
def test_a_clip_whose_file_is_gone_says_so(journal, suffix):
    with pytest.raises(MediaError, match="cannot be read"):
        converted(journal.output_directory, journal.clip(add(journal)), suffix)


def test_one_page_of_ten_thousand_clips_takes_under_a_tenth_of_a_second(journal, capsys):
    job = Job.create(kind="draft", state="done", request="{}")
    rows = [CLIP | {"job": job, "kind": "draft", "prompt": f"a dog number {number} in the meadow"}
            for number in range(10_000)]
    with journal.database.atomic():
        for start in range(0, len(rows), 500):
            Clip.insert_many(rows[start:start + 500]).execute()
    tab, figures = LibraryTab(journal), {}
    looks = {"first page": ("", 0, PAGE_CLIPS), "search": ("dog 99", 0, PAGE_CLIPS),
             "last page": ("", 999, 10_000 % PAGE_CLIPS), "nothing found": ("giraffe", 0, 1)}
    for name, (words, number, shown) in looks.items():
        begin = time.process_time()
        value, _ = tab.look(words, "All", number)
        figures[name] = time.process_time() - begin
        assert len(value["cards"]) == shown
    with capsys.disabled():
        print("\na page of 10,000 clips, found and drawn:",  # noqa: T201
              ", ".join(f"{name} {1000 * figure:.1f} ms" for name, figure in figures.items()))
    assert max(figures.values()) < PAGE_SECONDS


def test_a_journal_of_the_first_version_gets_the_new_columns(journal):
    clip_id = add(journal)
    for column in ("title", "starred", "binned"):
        journal.database.execute_sql(f"alter table clip drop column {column}")
    for table, column in (("film", "redo_of"), ("film", "seams"), ("worker", "heard")):
        journal.database.execute_sql(f"alter table {table} drop column {column}")
    Number.update(value=1).where(Number.name == "version").execute()
    journal.close()
    reopened = Journal(journal.url, journal.output_directory)
    clip = reopened.clip(clip_id)
    assert (clip.title, clip.starred, clip.binned) == ("", False, None)
    assert Number.get_by_id("version").value == SCHEMA_VERSION
    Film.create(clip=clip, order="", first_frames=1, measures="{}")
    crew.hello(reopened, "worker", "here", 1)
    assert (Film.get().seams, Film.get().redo_of) == ("[]", None) and Worker.get().heard > 0
    Library(reopened).star(clip_id, True)
    assert Library(reopened).page(view="Starred").found == 1
    reopened.close()
