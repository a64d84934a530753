"""The journal's tables: jobs, the clips they made, the workers alive, and measured step times.

One journal is open per process: `open_database` binds the tables to it. Paths of files are stored
relative to the output folder, so the folder can be moved. Lists travel as JSON text. What may
happen to a row is in jobs.py; nothing else writes.
"""

import sqlite3
import time
from pathlib import Path

import peewee
from playhouse.db_url import connect

from engine.errors import SnapError
from snapui.migration import add_missing_columns

SCHEMA_VERSION = 8
ACTIVE = ("queued", "running", "paused")
LONG = ("extension", "edit")  # kinds of jobs and clips that orders.py describes
SQLITE_PRAGMAS = {"journal_mode": "wal", "synchronous": "normal", "foreign_keys": 1}
BUSY_SECONDS = 10


class JournalError(SnapError):
    """The journal cannot be opened, or what was asked of it cannot be done."""


class Number(peewee.Model):
    """Named numbers: the schema's version, the revision that every change raises by one.

    A row called "paused" is there while the queue is paused; "last_clip" is the highest number of
    a clip that was deleted.
    """

    name = peewee.CharField(primary_key=True)
    value = peewee.BigIntegerField(default=0)


PAUSED = Number.name == "paused"


class Worker(peewee.Model):
    """A worker process that is or was alive. Its job is the running one that names it."""

    name = peewee.CharField(primary_key=True)
    host = peewee.CharField()
    pid = peewee.IntegerField()
    state = peewee.CharField(default="loading")  # loading, ready, failed
    message = peewee.TextField(default="")
    heard = peewee.DoubleField(default=time.time)  # its last sign of life, by its own clock


class Job(peewee.Model):
    """One piece of work: written before it starts, kept for good."""

    kind = peewee.CharField()  # draft, upscale, extension, edit
    state = peewee.CharField(default="queued")  # queued, running, paused, done, cancelled, failed
    request = peewee.TextField()
    order = peewee.TextField(default="")  # what it asks for besides its request, see orders.py
    source = peewee.IntegerField(null=True, index=True)  # the clip it starts from, if any
    priority = peewee.IntegerField(default=0)
    position = peewee.FloatField(default=0.0)
    worker = peewee.CharField(null=True)
    cancel = peewee.CharField(default="")  # "", drop, keep, after, pause, requeue
    stage = peewee.CharField(default="")  # base, upsampler
    step = peewee.IntegerField(default=0)
    steps = peewee.IntegerField(default=0)
    seconds_left = peewee.FloatField(null=True)
    previews = peewee.TextField(default="[]")
    error = peewee.TextField(default="")  # why it failed, or why it waits
    notes = peewee.TextField(default="[]")
    deaths = peewee.IntegerField(default=0)
    created = peewee.DoubleField(default=time.time)
    started = peewee.DoubleField(null=True)
    finished = peewee.DoubleField(null=True)
    changed = peewee.BigIntegerField(default=0, index=True)

    class Meta:
        indexes = ((("state", "priority", "position"), False),)


class Clip(peewee.Model):
    """One finished file and everything needed to make it again."""

    job = peewee.ForeignKeyField(Job, backref="clips")
    kind = peewee.CharField()
    source = peewee.IntegerField(null=True, index=True)
    request = peewee.TextField()
    prompt = peewee.TextField()
    seed = peewee.BigIntegerField()
    path = peewee.TextField()
    loop = peewee.TextField()  # the small moving picture the page shows; may be the file itself
    width = peewee.IntegerField()
    height = peewee.IntegerField()
    frames = peewee.IntegerField()
    fps = peewee.FloatField()
    model_hash = peewee.CharField()
    backend = peewee.CharField(default="")  # what computed it; an edit's pixels are not computed
    notes = peewee.TextField(default="[]")
    kept_after = peewee.TextField(default="")  # how far it was, if it was kept before its end
    created = peewee.DoubleField(default=time.time)
    title = peewee.TextField(default="")  # the name the artist gave it, if any
    starred = peewee.BooleanField(default=False)
    binned = peewee.DoubleField(null=True)  # when it was put in the bin


class Film(peewee.Model):
    """What makes a clip a long one: the order that made it, its joins, and how it drifts.

    Films form a tree by their clips' sources: a clip holds all that its source does, and its own
    segment after that. Those that began with nothing have no source; the first of them stands for
    all that were made again in its place.
    """

    clip = peewee.ForeignKeyField(Clip, primary_key=True, on_delete="CASCADE")
    order = peewee.TextField()
    joins = peewee.TextField(default="[]")  # first frames of all segments but the first
    seams = peewee.TextField(default="[]")  # where windows meet inside segments
    first_frames = peewee.IntegerField()  # how many its first segment has
    measures = peewee.TextField()  # lists by name, one number a frame
    warnings = peewee.TextField(default="[]")
    is_undone = peewee.BooleanField(default=False)
    redo_of = peewee.IntegerField(null=True)  # the clip without a source it repeats


class Timing(peewee.Model):
    """Measured seconds of one clip through one network evaluation, per model and stage."""

    name = peewee.CharField(primary_key=True)
    seconds = peewee.FloatField()


class Comparison(peewee.Model):
    """A grid of clips side by side; see compare.py."""

    plan = peewee.TextField()
    created = peewee.DoubleField(default=time.time)


class Cell(peewee.Model):
    """One place of a comparison and the job that fills it."""

    comparison = peewee.ForeignKeyField(Comparison, backref="cells")
    row = peewee.IntegerField()
    column = peewee.IntegerField()
    job = peewee.ForeignKeyField(Job)


class Vote(peewee.Model):
    """One answer of a blind ballot."""

    comparison = peewee.ForeignKeyField(Comparison, backref="votes")
    row = peewee.IntegerField()
    aspect = peewee.CharField()
    winner = peewee.IntegerField(null=True)  # a column; none if the voter could not tell
    created = peewee.DoubleField(default=time.time)


TABLES = (Number, Worker, Job, Clip, Film, Timing, Comparison, Cell, Vote)


def database_url(text: str | None, output_directory: Path) -> str:
    """Return the database as a URL: the given one, a file's path, or the output folder's own."""
    if text and "://" in text:
        return text
    path = Path(text) if text else output_directory / "journal.db"
    return f"sqlite:///{path.expanduser().resolve()}"


def without_password(url: str) -> str:
    """Return a database's URL as it may be shown: PASSWORD stands for the password."""
    if url.startswith("sqlite"):
        return url
    scheme, _, rest = url.partition("?")[0].partition("://")
    account, at, host = rest.rpartition("@")
    user, colon, _ = account.partition(":")
    return f"{scheme}://{user}{colon}{'PASSWORD' * bool(colon)}{at}{host}"


def sqlite_files(url: str) -> list[Path]:
    """Return the files a SQLite database consists of; none for a database server."""
    if not url.startswith("sqlite:///"):
        return []
    path = url.removeprefix("sqlite:///")
    return [Path(path + suffix) for suffix in ("", "-wal", "-shm", "-journal")]


def open_database(url: str) -> peewee.Database:
    """Open the database, make its tables if they are missing, and bind the tables to it.

    Raises: JournalError saying why the database cannot be used.
    """
    is_sqlite = url.startswith("sqlite")
    try:
        if is_sqlite:
            Path(url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
            # A transaction that turns from reading to writing cannot wait for another writer.
            database = connect(url, pragmas=SQLITE_PRAGMAS, timeout=BUSY_SECONDS,
                               lock_type="IMMEDIATE")
            # SQLite itself tells upper from lower case in ASCII only.
            database.register_function(str.casefold, "casefold", 1, deterministic=True)
        else:
            database = connect(url)
        database.bind(TABLES)
        with database.atomic():
            database.create_tables(TABLES)
            for name, value in (("version", SCHEMA_VERSION), ("revision", 0)):
                Number.insert(name=name, value=value).on_conflict_ignore().execute()
            version = Number.get_by_id("version").value
            if version < SCHEMA_VERSION:
                add_missing_columns(database, TABLES)
                Number.update(value=SCHEMA_VERSION).where(Number.name == "version").execute()
    except peewee.ImproperlyConfigured as error:
        raise JournalError("A journal on PostgreSQL needs one more package: "
                           "pip install 'psycopg[binary]'.") from error
    except (peewee.PeeweeException, sqlite3.Error, OSError, RuntimeError, ValueError) as error:
        where = url.rsplit("@", 1)[-1]  # never repeat a password
        raise JournalError(f"The job journal {where} cannot be opened ({error}). Check that the "
                           "folder can be written to, or name another with --database.") from error
    if version > SCHEMA_VERSION:
        database.close()
        raise JournalError("The job journal was written by a newer version of this program. "
                           "Update the program, or name another journal with --database.")
    return database
