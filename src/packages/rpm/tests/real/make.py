#!/usr/bin/env python3
"""Makes the database beside this file with SQLite itself, and its -wal as a process that is killed leaves it.

In the file are the packages 1 and 2. The log updates 1, deletes 2, inserts 3 and 4 in three transactions, and holds a
fourth that was not committed and would delete all.
"""
import os
import pathlib
import shutil
import sqlite3
import struct

here = pathlib.Path(__file__).parent


def header(name, version, padding=0):
    """A header without its magic: name, version, release, vendor."""
    index, data = b"", b""
    for tag, text in ((1000, name), (1001, version), (1002, "1"), (1011, "v" * padding)):
        index += struct.pack(">4I", tag, 6, len(data), 1)
        data += text.encode() + b"\0"
    return struct.pack(">2I", len(index) // 16, len(data)) + index + data


def insert(db, *rows):
    db.executemany("INSERT OR REPLACE INTO Packages VALUES (?, ?)", [(n, header(*of)) for n, *of in rows])
    db.commit()


work = here / "work.sqlite"
for end in ("", "-wal", "-shm"):
    work.with_name(work.name + end).unlink(missing_ok=True)
db = sqlite3.connect(work)
db.execute("PRAGMA page_size = 512")
db.execute("PRAGMA journal_mode = WAL")
db.execute("PRAGMA wal_autocheckpoint = 0")
# With almost no cache, pages are written to the log before their transaction is committed.
db.execute("PRAGMA cache_size = 1")
db.execute("CREATE TABLE 'Packages' (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)")
insert(db, (1, "bash", "5.1", 900), (2, "gone", "1"))
db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
insert(db, (1, "bash", "5.2", 1800))
db.execute("DELETE FROM Packages WHERE hnum = 2")
insert(db, (3, "sed", "4.9"))
insert(db, (4, "acl", "2.3", 600))
db.execute("DELETE FROM Packages")
db.execute("INSERT INTO Packages VALUES (9, ?)", (header("never", "1", 3000),))
for end in ("", "-wal"):
    shutil.copy(work.with_name(work.name + end), here / ("rpmdb.sqlite" + end))
os.kill(os.getpid(), 9)
