-- One step: whoever reads sees the old rows or the new ones. STAGING stands
-- for the run's table.
ALTER TABLE {table:Identifier} REPLACE PARTITION {day:Date} FROM STAGING
