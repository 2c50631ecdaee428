-- A day without rows. The server does not replace a partition with nothing.
ALTER TABLE {{.Report}} DROP PARTITION {day:Date}
