-- Version 4.
-- Of the direct conversation of an account with someone who has none (any more): what she was called last.
ALTER TABLE room ADD COLUMN other_name TEXT;

-- Names that a room had before. Until then they lead to it.
CREATE TABLE former_name (
    room INTEGER NOT NULL REFERENCES room ON DELETE CASCADE,
    place INTEGER NOT NULL,
    name TEXT NOT NULL,
    until INTEGER NOT NULL,
    PRIMARY KEY (room, place)
) STRICT, WITHOUT ROWID;
