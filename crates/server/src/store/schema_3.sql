-- Version 3.
-- Where in the one order someone joined; 0: before this was noted. What she may read can begin there (mode J).
ALTER TABLE membership ADD COLUMN position INTEGER NOT NULL DEFAULT 0;
