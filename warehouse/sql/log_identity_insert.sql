INSERT INTO log_identity (topic, cluster_id, topic_id, partitions, alerts_id, rejected_id)
SELECT {topic:String}, {cluster_id:String}, {topic_id:String}, {partitions:Int32}, {alerts_id:String}, {rejected_id:String}
