-- A day without rows. The server does not replace a partition with nothing.
ALTER TABLE {table:Identifier} DROP PARTITION {day:Date}
