-- How many events there are, and how many of them this run added: those whose
-- first copy lies at or after the offsets at which the run began.
SELECT
    count(),
    countIf(kafka_offset >= arrayElement({starts:Array(Int64)}, kafka_partition + 1))
FROM events
