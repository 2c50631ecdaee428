-- What was written for offsets that will be compared again.
ALTER TABLE {name:Identifier} DELETE WHERE kafka_partition >= 0 AND kafka_partition < length({next:Array(Int64)})
    AND kafka_offset >= {next:Array(Int64)}[kafka_partition + 1]
SETTINGS mutations_sync = 2
