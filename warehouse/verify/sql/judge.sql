-- Each event that has no row of its own text, beside the row with its identity.
INSERT INTO {judged:Identifier}
WITH
    JSONExtractKeysAndValuesRaw(t.properties) AS row_properties,
    arrayFilter(c -> c != '', [
        if(t.user_id = l.user_id, '', 'user_id'), if(t.session_id = l.session_id, '', 'session_id'),
        if(t.product_id = l.product_id, '', 'product_id'), if(t.product_category = l.product_category, '', 'product_category'),
        if(t.brand = l.brand, '', 'brand'), if(t.currency = l.currency, '', 'currency'),
        if(t.device_type = l.device_type, '', 'device_type'), if(t.page_url = l.page_url, '', 'page_url'),
        if(t.order_id = l.order_id, '', 'order_id'), if(t.source = l.source, '', 'source'),
        if(ifNull(toString(t.price), '') = ifNull(toString(l.price), ''), '', 'price'), if(t.quantity = l.quantity, '', 'quantity'),
        if(row_properties = l.properties, '', 'properties')]) AS others,
    t.kafka_partition = l.kafka_partition AND t.kafka_offset = l.kafka_offset AS at_its_place,
    if(at_its_place AND t.received != l.received, arrayConcat(others, ['received_at']), others) AS differ
SELECT l.kafka_partition, l.kafka_offset, l.received, toUnixTimestamp64Milli(l.timestamp),
    indexOf({types:Array(String)}, l.event_type), l.product_id, l.stored, l.identity,
    if(t.there, t.kafka_offset, -1), t.received,
    multiIf(
        NOT t.there, if(l.stored, 'other_content', 'missing'),
        t.kafka_partition != l.kafka_partition, 'other_content',
        -- A first copy that is not read here is only in the table.
        t.kafka_offset < {starts:Array(Int64)}[l.kafka_partition + 1], '',
        t.kafka_offset > l.kafka_offset, 'not_first_copy',
        t.kafka_offset < l.kafka_offset, '',
        notEmpty(differ), 'other_content',
        ''),
    if(t.there, if(t.kafka_partition = l.kafka_partition, differ, ['kafka_partition']), if(l.stored, ['identity'], []))
FROM
(
    SELECT *, kafka_offset, 1 AS there, toUnixTimestamp64Milli(received_at) AS received
    FROM event_log FINAL
    -- The id is a part of the identity: all rows of an identity are read, or none.
    PREWHERE timestamp >= fromUnixTimestamp64Milli({from:Int64}, 'UTC') AND timestamp < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
        AND event_id IN
        (
            SELECT event_id FROM {decoded:Identifier}
            WHERE kind = 0 AND timestamp >= fromUnixTimestamp64Milli({from:Int64}, 'UTC') AND timestamp < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
                AND cityHash64(event_id) % {slices:UInt64} = {slice:UInt64}
        )
) AS t
RIGHT JOIN
(
    SELECT * FROM {decoded:Identifier}
    WHERE kind = 0 AND timestamp >= fromUnixTimestamp64Milli({from:Int64}, 'UTC') AND timestamp < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
        AND cityHash64(event_id) % {slices:UInt64} = {slice:UInt64}
) AS l ON t.kafka_key = l.key AND t.event_type = l.event_type AND t.timestamp = l.timestamp AND t.event_id = l.event_id
SETTINGS allow_simdjson = 0, max_threads = 2, do_not_merge_across_partitions_select_final = 1, join_algorithm = 'hash'
