-- One step: whoever reads sees the old rows or the new ones.
ALTER TABLE {{.Report}} REPLACE PARTITION {day:Date} FROM {{.Staging}}
