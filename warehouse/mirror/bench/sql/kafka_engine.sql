CREATE TABLE kafka_engine
(
    event_id String, event_type String, timestamp String, user_id String, session_id String, product_id String,
    product_category String, brand String, currency String, device_type String, page_url String, order_id String,
    source String, price Nullable(Decimal(18, 4)), quantity UInt32, properties String
)
ENGINE = Kafka
SETTINGS kafka_broker_list = '{{.Brokers}}', kafka_topic_list = '{{.Topic}}', kafka_group_name = '{{.Group}}',
    kafka_format = 'JSONEachRow', kafka_num_consumers = 2, kafka_thread_per_consumer = 1, kafka_max_block_size = 262144
