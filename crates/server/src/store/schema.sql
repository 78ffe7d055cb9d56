-- Version 1. Identifiers are the 16 bytes of their UUID, times are milliseconds since the Unix epoch.

CREATE TABLE state (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    position INTEGER NOT NULL,
    timestamp INTEGER NOT NULL,
    next_room INTEGER NOT NULL
) STRICT;
INSERT INTO state VALUES (1, 0, 0, 0);

CREATE TABLE secret (
    name TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE account (
    id BLOB PRIMARY KEY,
    username TEXT NOT NULL,
    password_hash TEXT,
    scram_iterations INTEGER,
    scram_salt BLOB,
    scram_stored_key BLOB,
    scram_server_key BLOB,
    email TEXT,
    created INTEGER NOT NULL,
    last_seen INTEGER NOT NULL,
    last_address TEXT,
    rights TEXT NOT NULL,
    owner INTEGER NOT NULL,
    disabled INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE certificate (
    account BLOB NOT NULL REFERENCES account ON DELETE CASCADE,
    place INTEGER NOT NULL,
    fingerprint BLOB NOT NULL,
    PRIMARY KEY (account, place)
) STRICT, WITHOUT ROWID;

-- A named room, or the direct conversation of two clients (name is null). A room that is gone keeps its row while it has
-- messages: removed says since when.
CREATE TABLE room (
    number INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    name TEXT,
    first_client BLOB,
    second_client BLOB,
    created INTEGER NOT NULL,
    topic TEXT,
    topic_by TEXT,
    topic_at INTEGER,
    flags TEXT NOT NULL,
    key TEXT,
    member_limit INTEGER,
    removed INTEGER,
    CHECK ((name IS NULL) = (first_client IS NOT NULL AND second_client IS NOT NULL))
) STRICT;

CREATE TABLE room_list (
    room INTEGER NOT NULL REFERENCES room ON DELETE CASCADE,
    place INTEGER NOT NULL,
    kind TEXT NOT NULL,
    mask TEXT NOT NULL,
    set_by TEXT NOT NULL,
    set_at INTEGER NOT NULL,
    PRIMARY KEY (room, place)
) STRICT, WITHOUT ROWID;

-- Without foreign keys: in which order rooms, accounts and memberships change is the hub's affair, a start passes over
-- what has lost its room or account, and one such row must not keep a whole batch of messages from being committed.
CREATE TABLE membership (
    room INTEGER NOT NULL,
    account BLOB NOT NULL,
    roles INTEGER NOT NULL,
    since INTEGER NOT NULL,
    PRIMARY KEY (room, account)
) STRICT, WITHOUT ROWID;

-- How someone appeared when she said something; many messages share one.
CREATE TABLE person (
    number INTEGER PRIMARY KEY,
    client BLOB NOT NULL,
    name TEXT NOT NULL,
    ident TEXT NOT NULL,
    host TEXT NOT NULL,
    account TEXT,
    realname TEXT NOT NULL,
    bot INTEGER NOT NULL
) STRICT;

-- Messages stand in the order in which they were committed, those of one batch sorted by room, so that writing is
-- appending: pages are filled once and for all. A run says where messages of a room stand that are behind each other:
-- one row for a room and batch, not one for a message. Measured with 200 busy rooms and 3,000 messages a commit, this
-- writes 150 pages a commit; one index entry a message 500, a table clustered by (room, position) 1,100, since each
-- room's end is in the middle of the tree, where pages split.
-- No foreign keys here: they would cost a search for each message.
CREATE TABLE message (
    number INTEGER PRIMARY KEY,
    room INTEGER NOT NULL,
    position INTEGER NOT NULL,
    id BLOB NOT NULL,
    time INTEGER NOT NULL,
    person INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    tags TEXT,
    text TEXT NOT NULL,
    -- The one it was sent to, as others saw the name; null: a room, see room.name.
    addressed_to TEXT,
    recipient BLOB,
    -- The lowest role that received it; null: everyone.
    audience INTEGER
) STRICT;

CREATE TABLE run (
    room INTEGER NOT NULL,
    -- Of its first message.
    position INTEGER NOT NULL,
    number INTEGER NOT NULL,
    messages INTEGER NOT NULL,
    PRIMARY KEY (room, position)
) STRICT, WITHOUT ROWID;

-- What is written to see whether the disk takes anything again; empty otherwise.
CREATE TABLE probe (
    number INTEGER PRIMARY KEY,
    filling BLOB NOT NULL
) STRICT;
