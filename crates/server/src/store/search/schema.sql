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

-- Terms of each message (chat::search), under its number; and as terms that no text has: #room, @name of the sender,
-- &participant of a direct conversation. They are put together by the server, so the tokenizer has only to part them.
-- Contentless: the texts are in the other file. The positions are for phrases.
CREATE VIRTUAL TABLE said USING fts5 (
    terms, content = '', columnsize = 0,
    tokenize = "unicode61 remove_diacritics 2 categories 'L* N* M* S* C*' tokenchars '#@&'"
);
-- What is deleted leaves the index at once, not when its pages are merged some day.
INSERT INTO said (said, rank) VALUES ('secure-delete', 1), ('hashsize', 8388608);

-- Every term of a text, once: what a beginning or a part of a word stands for.
CREATE TABLE term (
    number INTEGER PRIMARY KEY,
    text TEXT NOT NULL UNIQUE
) STRICT;
CREATE VIRTUAL TABLE piece USING fts5 (
    text, content = 'term', content_rowid = 'number', columnsize = 0, tokenize = 'trigram'
);
INSERT INTO piece (piece, rank) VALUES ('secure-delete', 1);
