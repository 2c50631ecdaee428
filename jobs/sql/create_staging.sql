-- A table for the rows of one run, of the same shape as the report's. It is a
-- plain one also where the report's is replicated: it lives on one server for
-- the length of a run, and should the connection move to another server in
-- between, the run fails instead of replacing the day with half its rows.
CREATE TABLE {{.Staging}} AS {{.Report}}
ENGINE = MergeTree
PARTITION BY day
ORDER BY (day, {key:Identifier})
