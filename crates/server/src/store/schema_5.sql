-- Version 5.
-- Names that an account had before, folded. Until then they lead to it.
CREATE TABLE former_username (
    account BLOB NOT NULL REFERENCES account ON DELETE CASCADE,
    place INTEGER NOT NULL,
    name TEXT NOT NULL,
    until INTEGER NOT NULL,
    PRIMARY KEY (account, place)
) STRICT, WITHOUT ROWID;
