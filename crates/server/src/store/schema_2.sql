-- Version 2. Keys against posting twice (parlor/once): only messages that were said under one have a row, for a day.
CREATE TABLE posted_once (
    -- The message's.
    number INTEGER PRIMARY KEY,
    key TEXT NOT NULL
) STRICT;
