-- The rules of an event (E2), on JSON that ClickHouse has read.
INSERT INTO {decoded:Identifier}
WITH
    ['event_id', 'event_type', 'timestamp', 'user_id', 'session_id', 'product_id', 'product_category', 'brand', 'currency',
     'device_type', 'page_url', 'order_id', 'source', 'price', 'quantity', 'properties'] AS known,
    -- How long the strings may be.
    [128, 64, 64, 128, 128, 128, 256, 256, 256, 256, 8192, 256, 256] AS longest,
    JSONExtractKeysAndValuesRaw(value) AS members,
    arrayFilter(n -> has(known, n), members.1) AS names,
    -- The field's text as JSON; empty where it is absent or null.
    arrayMap(n -> replaceRegexpOne((members.2)[indexOf(members.1, n)], '^null$', ''), known) AS raw,
    arrayMap(r -> JSONExtractString(r), arraySlice(raw, 1, 13)) AS s,
    extractGroups(s[3], '^(\\d{4}-\\d\\d-\\d\\d)[Tt](\\d\\d:\\d\\d:\\d\\d)(?:\\.(\\d+))?([Zz]|[+-]\\d\\d:\\d\\d)$') AS parts,
    -- A day that the month does not have comes out as another one.
    parseDateTime64BestEffortOrZero(concat(parts[1], ' ', parts[2], 'Z'), 3, 'UTC') AS clock,
    toInt64OrZero(substring(parts[4], 2, 2)) AS zone_hours,
    toInt64OrZero(substring(parts[4], 5, 2)) AS zone_minutes,
    if(startsWith(parts[4], '-'), 1, -1) * (zone_hours * 60 + zone_minutes) * 60000 AS to_utc,
    toUnixTimestamp64Milli(clock) + toInt64OrZero(rightPad(substring(parts[3], 1, 3), 3, '0')) + to_utc AS time,
    length(parts) = 4 AND toString(clock) = concat(parts[1], ' ', parts[2], '.000') AND zone_hours < 24 AND zone_minutes < 60 AS time_ok,
    -- Rounded to four places.
    toDecimal128OrNull(raw[14], 12) + toDecimal128('0.00005', 12) AS rounded,
    raw[14] = '' OR (NOT startsWith(raw[14], quote) AND rounded >= toDecimal128('0.00005', 12) AND rounded < toDecimal128('1000000000.0001', 12)) AS price_ok,
    if(raw[15] = '', 1, toInt64OrZero(raw[15])) AS pieces,
    '"' AS quote,
    arrayFilter(m -> NOT has(known, m.1), members) AS unknown,
    arrayConcat(JSONExtractKeysAndValuesRaw(raw[16]), unknown) AS others,
    multiIf(s[6] != '', s[6], s[5] != '', s[5], s[4]) AS right_key,
    -- What ClickHouse's JSON functions read otherwise than the rules say: numbers
    -- beyond a double, half a surrogate pair, deep nesting, the length of
    -- properties with white space, 2.0 in place of 2.
    is_json AND (NOT isValidJSON(value) OR countSubstrings(value, '{') + countSubstrings(value, '[') > 64
        OR (length(value) > 32768 AND notEmpty(others)) OR match(value, '"quantity"\\s*:\\s*-?[0-9]+[.eE]')) AS unsure,
    isValidUTF8(value) AND length(value) <= 65536 AND notEmpty(members)
        AND length(names) = arrayUniq(names)
        AND arrayAll(r -> r = '' OR startsWith(r, '"'), arraySlice(raw, 1, 13))
        AND arrayAll((t, n) -> length(t) <= n OR n = 64 AND t = s[3], s, longest)
        AND time_ok AND time >= 946684800000 AND time <= received + 86400000
        AND s[1] != '' AND match(s[2], '^[a-z][a-z0-9_]*$')
        AND (s[4] != '' OR s[5] != '')
        AND (s[6] != '' OR s[2] NOT IN ('view', 'add_to_cart', 'remove_from_cart', 'purchase', 'refund', 'wishlist'))
        AND ifNull(price_ok, 0)
        AND (raw[15] = '' OR match(raw[15], '^[0-9]+$')) AND pieces >= 1 AND pieces <= 2147483647
        AND (raw[16] = '' OR startsWith(raw[16], '{'))
        AND key = right_key
        AND kafkaMurmurHash(right_key) % length({ends:Array(Int64)}) = kafka_partition AS valid,
    multiIf(unsure, 2, valid, 0, 1) AS what
SELECT kafka_partition, kafka_offset, received, stored, what, key, murmurHash3_128(value),
    if(what = 0, s[1], ''), if(what = 0, s[2], ''), fromUnixTimestamp64Milli(if(what = 0, time, 0), 'UTC'),
    s[4], s[5], s[6], s[7], s[8], s[9], s[10], s[11], s[12], s[13],
    if(what = 0 AND raw[14] != '', toDecimal64(floor(assumeNotNull(rounded), 4), 4), NULL),
    if(what = 0, pieces, 0), if(what = 0, others, []),
    sipHash128(key, s[2], time, s[1])
FROM {rest:Identifier}
SETTINGS allow_simdjson = 0, max_threads = 2, max_block_size = 4096
