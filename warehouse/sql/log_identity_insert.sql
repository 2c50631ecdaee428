INSERT INTO log_identity (topic, cluster_id, topic_id, partitions)
SELECT {topic:String}, {cluster_id:String}, {topic_id:String}, {partitions:Int32}
