-- One step: whoever reads sees the old rows or the new ones.
ALTER TABLE REPORT REPLACE PARTITION {day:Date} FROM STAGING
