-- The products whose windows of a rule are followed event by event.
INSERT INTO {chosen:Identifier}
SELECT DISTINCT {rule:UInt32}, product_id
FROM
(
    SELECT product_id FROM {expected:Identifier} WHERE rule = {rule:UInt32}
    UNION ALL
    SELECT product_id FROM flash_sale_alerts WHERE rule = {rules:Array(String)}[{rule:UInt32}]
    UNION ALL
    SELECT product_id FROM {stored:Identifier} WHERE type IN {counts:Array(UInt16)} AND sipHash64(product_id) % {every:UInt64} = 0
    UNION ALL
    SELECT product_id FROM {judged:Identifier} WHERE type IN {counts:Array(UInt16)} AND sipHash64(product_id) % {every:UInt64} = 0
)
SETTINGS max_threads = 2, max_bytes_before_external_group_by = 200000000, max_bytes_ratio_before_external_group_by = 0
