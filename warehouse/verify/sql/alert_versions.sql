-- The alerts topic against its table: the highest version of each alert, whatever
-- its status, every row that is stored, and versions that say two things.
SELECT problem, count() AS total, groupArray(20)(concat('alert ', alert_id, ', version ', toString(greatest(emitted_version, row_version)))) AS samples
FROM
(
    SELECT alert_id, emitted_version, row_version,
        arrayJoin(arrayFilter(p -> p != '', [
            if(notEmpty(emitted) AND NOT goes_on AND NOT (row_version = emitted_version AND has(emitted, viewed)), 'not_stored', ''),
            if(notEmpty(arrayFilter(r -> NOT has(emitted, r), stored)), 'not_on_topic', ''),
            if(length(arrayDistinct(emitted)) != length(arrayDistinct(emitted.1)), 'two_contents', '')])) AS problem
    FROM
    (
        SELECT alert_id,
            groupUniqArrayIf((version, content), side = 0) AS emitted,
            groupUniqArrayIf((version, content), side = 2) AS stored,
            anyIf((version, content), side = 1) AS viewed,
            countIf(side = 3) > 0 AS goes_on,
            maxIf(version, side = 0) AS emitted_version,
            maxIf(version, side = 1) AS row_version
        FROM
        (
            SELECT 0 AS side, alert_id, version, content FROM {emitted:Identifier}
            UNION ALL
            -- The view has one row of an alert: one from behind the end that is compared
            -- stands in the place of an earlier one.
            SELECT if(kafka_offset < {alert_ends:Array(Int64)}[kafka_partition + 1], 1, 3), alert_id, version, sipHash128(alert_id, toString(rule), product_id, window_start, window_end, toString(status), views, purchases, conversion_rate, version, episode_id, exact)
            FROM flash_sale_alerts
            WHERE kafka_partition >= 0
            UNION ALL
            SELECT 2, alert_id, version, sipHash128(alert_id, toString(rule), product_id, window_start, window_end, toString(status), views, purchases, conversion_rate, version, episode_id, exact)
            FROM alert_log
            WHERE kafka_partition >= 0 AND kafka_offset >= {alert_starts:Array(Int64)}[kafka_partition + 1] AND kafka_offset < {alert_ends:Array(Int64)}[kafka_partition + 1]
        )
        GROUP BY alert_id
    )
)
GROUP BY problem
ORDER BY problem
SETTINGS max_threads = 2, max_bytes_before_external_group_by = 200000000, max_bytes_ratio_before_external_group_by = 0
