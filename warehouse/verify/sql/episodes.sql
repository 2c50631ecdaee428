-- W9: alerts of other episodes than those of the windows that they joined, or than
-- their own where they began one. An alert of a version that knew no episodes is one
-- of its own.
WITH
    alerts AS
    (
        SELECT kafka_partition, toUInt32(indexOf({rules:Array(String)}, a.rule)) AS rule, product_id,
            toUnixTimestamp64Milli(window_start) AS start, alert_id, episode_id, version, 1 AS there
        FROM flash_sale_alerts AS a
        WHERE kafka_partition >= 0 AND a.rule IN {rules:Array(String)}
            -- Where not all was remembered it is not known what qualified.
            AND product_id NOT IN (SELECT product_id FROM flash_sale_alerts WHERE NOT exact)
    ),
    compared AS
    (
        SELECT a.product_id AS product_id, a.rule AS rule, a.start AS start, a.episode_id AS episode, p.parent AS parent,
            multiIf(p.parent = 0, a.alert_id, o.there = 0, '', o.episode_id = '', o.alert_id, o.episode_id) AS right
        FROM {parents:Identifier} AS p
        INNER JOIN alerts AS a ON a.kafka_partition = p.kafka_partition AND a.rule = p.rule AND a.product_id = p.product_id AND a.start = p.start
        LEFT JOIN alerts AS o ON o.kafka_partition = p.kafka_partition AND o.rule = p.rule AND o.product_id = p.product_id AND o.start = p.parent
        WHERE a.version <= {ends:Array(Int64)}[a.kafka_partition + 1]
    )
SELECT count(), groupArray(20)([{rules:Array(String)}[rule], product_id, toString(fromUnixTimestamp64Milli(start, 'UTC')),
    if(parent = 0, '', toString(fromUnixTimestamp64Milli(parent, 'UTC')))])
FROM (SELECT * FROM compared WHERE episode != '' AND right != '' AND episode != right ORDER BY start, product_id)
SETTINGS max_threads = 2
