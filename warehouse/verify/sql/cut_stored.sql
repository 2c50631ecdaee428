-- Rows of a span of time that was not stored whole.
ALTER TABLE {stored:Identifier} DELETE WHERE time >= {stored_to:Int64}
SETTINGS mutations_sync = 2
