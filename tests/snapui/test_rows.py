"""A queue that is looked at often is read anew only where it has changed."""

from engine.request import GenerationRequest
from snapui import queue
from snapui.rows import Rows
from snapui.schema import Job


def submit(journal, count):
    return [journal.submit(GenerationRequest(prompt="a dog", seed=seed)) for seed in range(count)]


def test_only_changed_jobs_are_read_anew(journal):
    ids, rows = submit(journal, 3), Rows()
    before = queue.in_line(read=rows.read)
    assert [job.id for job in before] == ids
    queue.pause(journal, ids[1])
    after = queue.in_line(read=rows.read)
    assert [job.state for job in after] == ["queued", "paused", "queued"]
    assert [one is other for one, other in zip(before, after, strict=True)] == [True, False, True]


def test_jobs_come_in_the_order_of_the_query_and_without_those_that_are_gone(journal):
    ids, rows = submit(journal, 3), Rows()
    queue.in_line(read=rows.read)
    queue.move(journal, ids[2], "front")
    Job.delete().where(Job.id == ids[0]).execute()
    assert [job.id for job in queue.in_line(read=rows.read)] == [ids[2], ids[1]]


def test_a_snapshot_is_the_same_however_its_jobs_are_read(journal):
    submit(journal, 5)
    rows = Rows()
    for _ in range(2):
        plain, kept = journal.snapshot(2), journal.snapshot(2, rows.read)
        assert [job.id for job in plain.jobs] == [job.id for job in kept.jobs]
        assert plain.clips == kept.clips and len(plain.jobs) == 5
