-- How many visitors came with each kind of device, on one day of the shop.
INSERT INTO {staging:Identifier}
SELECT
    {day:Date} AS day,
    if(device_type = '', 'unknown', device_type) AS device,
    uniqExact(if(user_id != '', user_id, session_id)) AS visitors,
    {run_id:UUID} AS run_id
FROM events
WHERE timestamp >= fromUnixTimestamp64Milli({from:Int64}, 'UTC')
  AND timestamp < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
  AND kafka_offset < {offsets:Array(Int64)}[kafka_partition + 1]
GROUP BY device
