-- How many shards a cluster has; 0 where the server does not know it.
SELECT uniqExact(shard_num)
FROM system.clusters
WHERE cluster = {cluster:String}
