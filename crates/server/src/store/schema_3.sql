-- Version 3.
-- Where in the one order someone joined; 0: before this was noted. What she may read can begin there (mode J).
ALTER TABLE membership ADD COLUMN position INTEGER NOT NULL DEFAULT 0;

-- Null: as it was said. 1: text is the newest of several. 2: redacted, text and tags are gone for good.
ALTER TABLE message ADD COLUMN state INTEGER;

-- What happened in a room and is no message: one row for each line of history that CHATHISTORY can show besides messages.
-- Numbers only grow: whoever follows what becomes of messages (an index of their texts) reads on from the last number it
-- knows, where target is not null.
CREATE TABLE event (
    number INTEGER PRIMARY KEY,
    room INTEGER NOT NULL,
    -- Of the one order, like a message's; several rows of a room may share one.
    position INTEGER NOT NULL,
    id BLOB NOT NULL,
    time INTEGER NOT NULL,
    -- Who did it, as she appeared before it.
    person INTEGER NOT NULL,
    -- What it is: see record.rs. 0: it was taken back and nothing is left of it.
    kind INTEGER NOT NULL,
    -- The id of the message that it is about.
    target BLOB,
    -- What it says: of a redaction the reason, of a reaction its value, of an edit the new text.
    text TEXT,
    -- Of an edit the text that it replaced: what moderators may still read.
    earlier TEXT,
    -- Tags of a signal, as they came.
    tags TEXT,
    -- As of a message.
    addressed_to TEXT,
    recipient BLOB,
    audience INTEGER
) STRICT;
CREATE INDEX event_place ON event (room, position);
-- What is about messages, where it happened and by the message; ids are in the order of time. What is about no message
-- (joins and the like) is in neither, so that the many do not stand in the way of the few.
CREATE INDEX event_about_place ON event (room, position) WHERE target IS NOT NULL;
CREATE INDEX event_about ON event (room, target, position) WHERE target IS NOT NULL;
-- Slow mode, and the number of the room for those who are kept out.
ALTER TABLE room ADD COLUMN slow_seconds INTEGER;
ALTER TABLE room ADD COLUMN forward INTEGER;
-- Up to when an account has read a conversation: a room by its number (integer), the direct conversation with someone by
-- that client's id (blob).
CREATE TABLE read_marker (
    account BLOB NOT NULL,
    conversation ANY NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (account, conversation)
) STRICT, WITHOUT ROWID;

-- Messages of several lines, whose text holds line feeds: the places in it, four bytes each, the lowest byte first, where
-- the sender broke a line only because it was too long. Null: a message of one line.
ALTER TABLE message ADD COLUMN seams BLOB;

-- When an entry of a list ends by itself.
ALTER TABLE room_list ADD COLUMN until INTEGER;

-- Links that let people into a room; the hash of each token.
CREATE TABLE invite_link (
    room INTEGER NOT NULL REFERENCES room ON DELETE CASCADE,
    place INTEGER NOT NULL,
    hash BLOB NOT NULL,
    created_by TEXT NOT NULL,
    account BLOB,
    created INTEGER NOT NULL,
    expires INTEGER,
    uses_left INTEGER,
    PRIMARY KEY (room, place)
) STRICT, WITHOUT ROWID;

-- Who did what to whom, in the order in which it was done.
CREATE TABLE audit (
    number INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    made_by TEXT NOT NULL,
    account TEXT,
    action TEXT NOT NULL,
    room TEXT,
    target TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT;

-- Who may not use the server: `account ID`, `range ADDRESS/PREFIX`, `certificate SHA-256`.
CREATE TABLE server_ban (
    target TEXT PRIMARY KEY,
    reason TEXT NOT NULL,
    set_by TEXT NOT NULL,
    set_at INTEGER NOT NULL,
    until INTEGER
) STRICT, WITHOUT ROWID;

-- What the search index holds of a message and must forget: the message is gone, or its text is another now. Whoever
-- follows with the index takes it from here (store/search/follower.rs); a text stays no longer than that takes.
CREATE TABLE search_forget (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    -- The message's.
    number INTEGER NOT NULL,
    room INTEGER NOT NULL,
    person INTEGER NOT NULL,
    text TEXT NOT NULL
) STRICT;
CREATE TRIGGER message_changed AFTER UPDATE OF text ON message WHEN old.text <> new.text BEGIN
    INSERT INTO search_forget (number, room, person, text) VALUES (old.number, old.room, old.person, old.text);
END;
CREATE TRIGGER message_deleted AFTER DELETE ON message BEGIN
    INSERT INTO search_forget (number, room, person, text) VALUES (old.number, old.room, old.person, old.text);
END;

-- Seconds that a room's messages are kept; null: as long as the server keeps them.
ALTER TABLE room ADD COLUMN retention INTEGER;
CREATE INDEX room_retention ON room (number) WHERE retention IS NOT NULL;

-- Which appearances of people may be referred to from where, so that those that nothing refers to any more are found
-- without looking at everything: rows of person from first_person on, up to the next window's, are referred to by numbers
-- from first_message on, up to the next window's, and by no others. thinned: some of these were deleted since the window
-- was last swept.
CREATE TABLE person_window (
    first_message INTEGER PRIMARY KEY,
    first_person INTEGER NOT NULL,
    thinned INTEGER NOT NULL
) STRICT;
INSERT INTO person_window VALUES (0, 0, 0);

-- The next numbers, when rows were deleted: those of deleted rows are not given out again.
ALTER TABLE state ADD COLUMN next_message INTEGER NOT NULL DEFAULT 1;
ALTER TABLE state ADD COLUMN next_person INTEGER NOT NULL DEFAULT 1;
-- What accounts (by their id) and rooms (by their number) say of themselves.
CREATE TABLE metadata (
    owner ANY NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (owner, key)
) STRICT, WITHOUT ROWID;

-- What an account has marked one of its conversations as: blocked, muted, pinned.
CREATE TABLE mark (
    account BLOB NOT NULL,
    conversation ANY NOT NULL,
    marks TEXT NOT NULL,
    PRIMARY KEY (account, conversation)
) STRICT, WITHOUT ROWID;

-- When it was last said anew what proves that someone is this account, and what she says of staying without a device
-- (null: as the server has it).
ALTER TABLE account ADD COLUMN proofs_since INTEGER NOT NULL DEFAULT 0;
ALTER TABLE account ADD COLUMN always_on INTEGER;

-- How accounts appear that stay without a device: what a start shows of them again.
CREATE TABLE presence (
    account BLOB PRIMARY KEY,
    name TEXT NOT NULL,
    ident TEXT NOT NULL,
    host TEXT NOT NULL,
    realname TEXT NOT NULL,
    modes TEXT NOT NULL,
    away TEXT,
    since INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Devices that accounts are or were connected with. name: what it calls itself at login; null: known by the network of its
-- address, and by its transport. secret: SHA-256 of what the device shows to stay logged in, which then is what it is known by;
-- null: it does not.
CREATE TABLE device (
    account BLOB NOT NULL,
    id INTEGER NOT NULL,
    name TEXT,
    transport TEXT NOT NULL,
    address TEXT NOT NULL,
    came INTEGER NOT NULL,
    seen INTEGER NOT NULL,
    secret BLOB,
    secret_made INTEGER,
    secret_before BLOB,
    secret_before_until INTEGER,
    PRIMARY KEY (account, id)
) STRICT, WITHOUT ROWID;

-- 1: the conversation of the accounts that are members of it, and nobody else's.
ALTER TABLE room ADD COLUMN is_group INTEGER NOT NULL DEFAULT 0;

-- Messages that rooms keep in view, in the order of `pinned`: where their pinning stands in the one order. A message that is
-- deleted is pinned no more.
CREATE TABLE pin (
    room INTEGER NOT NULL,
    message BLOB NOT NULL,
    position INTEGER NOT NULL,
    pinned INTEGER NOT NULL,
    pinned_by TEXT NOT NULL,
    pinned_at INTEGER NOT NULL,
    PRIMARY KEY (room, message)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER pinned_deleted AFTER DELETE ON message BEGIN
    DELETE FROM pin WHERE room = old.room AND message = old.id;
END;

-- What was reported to moderators. `text`: what the message said when it was reported, as long as the report is open and the
-- message's time is not over. Of closed ones it is known who reported which message, and no more.
CREATE TABLE report (
    -- Where it was made in the one order.
    number INTEGER PRIMARY KEY,
    room INTEGER NOT NULL,
    message BLOB NOT NULL,
    position INTEGER NOT NULL,
    audience INTEGER,
    -- Of a direct message: the name of the one it was said to; of a group's: the group's name.
    said_to TEXT,
    author BLOB NOT NULL,
    said_by TEXT NOT NULL,
    reporter BLOB NOT NULL,
    reported_by TEXT NOT NULL,
    reason TEXT NOT NULL,
    at INTEGER NOT NULL,
    is_open INTEGER NOT NULL,
    text TEXT
) STRICT;
CREATE INDEX report_message ON report (room, message);
CREATE TRIGGER reported_deleted AFTER DELETE ON message BEGIN
    UPDATE report SET text = NULL WHERE room = old.room AND message = old.id;
END;
