-- The search index, in a file of its own (docs/decisions/0009-search-index.md). Nothing here can't be made again from the
-- messages: a file of another version is thrown away.

-- How far the index has followed.
CREATE TABLE progress (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    -- The number of the last message that was looked at, and its id: with another database beside it, or one put back from
    -- a backup, they do not fit.
    indexed INTEGER NOT NULL,
    id BLOB,
    -- Of the last row of search_forget that was taken.
    forgotten INTEGER NOT NULL
) STRICT;
INSERT INTO progress VALUES (1, 0, NULL, 0);

-- Terms of each message (terms.rs), under its number: its words, the parts of its words, and, as no text has them, #room,
-- @name of the sender, &participant of a direct conversation. They are put together by the server, so the tokenizer has
-- only to part them at spaces. Contentless: the texts are in the other file. Without positions: what the index names is
-- looked at anyway, and they would make it twice as large.
CREATE VIRTUAL TABLE said USING fts5 (
    terms, content = '', columnsize = 0, detail = none, tokenize = "ascii tokenchars '#@&^~'"
);
-- What is deleted leaves the index at once, not when its pages are merged some day.
INSERT INTO said (said, rank) VALUES ('secure-delete', 1), ('hashsize', 8388608);
