-- Every rejected record; its bytes need not be UTF-8.
SELECT origin_kind, origin, origin_partition, origin_position, reason, hex(key) AS key, hex(value) AS value
FROM rejected_events
SETTINGS output_format_json_quote_64bit_integers = 0
FORMAT JSONEachRow
