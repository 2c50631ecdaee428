-- A quarter of an hour of a small shop, on 15 January 2026.
INSERT INTO event_log
    (event_id, event_type, timestamp, user_id, session_id, product_id, kafka_key, kafka_partition, offset_rank, received_at)
VALUES
    ('e1', 'view',        '2026-01-15 10:00:05.000', 'u1', 's1', 'lamp', 'lamp', 0, bitNot(toUInt64(1)), '2026-01-15 10:00:06.000'),
    ('e2', 'view',        '2026-01-15 10:00:10.000', 'u2', 's2', 'lamp', 'lamp', 0, bitNot(toUInt64(2)), '2026-01-15 10:00:11.000'),
    ('e3', 'add_to_cart', '2026-01-15 10:00:20.000', 'u1', 's1', 'lamp', 'lamp', 0, bitNot(toUInt64(3)), '2026-01-15 10:00:21.000'),
    ('e4', 'purchase',    '2026-01-15 10:00:50.000', 'u1', 's1', 'lamp', 'lamp', 0, bitNot(toUInt64(4)), '2026-01-15 10:00:51.000'),
    ('e5', 'view',        '2026-01-15 10:05:00.000', 'u2', 's2', 'sofa', 'sofa', 1, bitNot(toUInt64(1)), '2026-01-15 10:05:01.000'),
    ('e6', 'view',        '2026-01-15 10:05:30.000', 'u3', 's3', 'lamp', 'lamp', 0, bitNot(toUInt64(5)), '2026-01-15 10:05:31.000'),
    ('e7', 'add_to_cart', '2026-01-15 10:06:00.000', 'u3', 's3', 'lamp', 'lamp', 0, bitNot(toUInt64(6)), '2026-01-15 10:06:01.000'),
    -- Somebody without a session.
    ('e8', 'view',        '2026-01-15 10:10:00.000', 'u4', '',   'sofa', 'sofa', 1, bitNot(toUInt64(2)), '2026-01-15 10:10:01.000'),
    ('e9', 'search',      '2026-01-15 10:10:30.000', 'u1', 's1', '',     's1',   2, bitNot(toUInt64(1)), '2026-01-15 10:10:31.000'),
    -- Outside the time shown.
    ('e0', 'view',        '2026-01-15 09:59:59.999', 'u9', 's9', 'lamp', 'lamp', 0, bitNot(toUInt64(0)), '2026-01-15 09:59:59.999');

-- A second copy of the first event, still unmerged: it counts nowhere.
INSERT INTO event_log
    (event_id, event_type, timestamp, user_id, session_id, product_id, kafka_key, kafka_partition, offset_rank, received_at)
VALUES
    ('e1', 'view',        '2026-01-15 10:00:05.000', 'u1', 's1', 'lamp', 'lamp', 0, bitNot(toUInt64(7)), '2026-01-15 10:20:00.000');

INSERT INTO alert_log
    (alert_id, rule, product_id, window_start, window_end, status, views, purchases, conversion_rate, version, episode_id, exact, received_at)
VALUES
    ('a1', 'r', 'lamp',  '2026-01-15 10:00:00.000', '2026-01-15 10:10:00.000', 'firing',    101, 0, 0,      5, '',   true,  '2026-01-15 10:08:00.000'),
    ('a1', 'r', 'lamp',  '2026-01-15 10:00:00.000', '2026-01-15 10:10:00.000', 'confirmed', 102, 1, 0.9804, 9, '',   true,  '2026-01-15 10:11:00.000'),
    ('a2', 'r', 'sofa',  '2026-01-15 10:03:00.000', '2026-01-15 10:13:00.000', 'firing',    200, 2, 1,      7, 'a2', false, '2026-01-15 10:09:30.000'),
    ('a3', 'r', 'chair', '2026-01-15 10:03:00.000', '2026-01-15 10:13:00.000', 'confirmed', 120, 1, 0.8333, 8, 'a3', true,  '2026-01-15 10:12:00.000'),
    ('a4', 'r', 'chair', '2026-01-15 10:04:00.000', '2026-01-15 10:14:00.000', 'retracted', 150, 5, 3.3333, 8, 'a3', true,  '2026-01-15 10:12:00.000');

INSERT INTO rejected_log
    (reason, field, message, value, origin_kind, origin, origin_partition, origin_position, received_at)
VALUES
    ('bad_time',      'timestamp',  'first',  'x', 'file', 'a.csv', 0, 3, '2026-01-15 10:02:00.000'),
    ('bad_time',      'timestamp',  'second', 'y', 'file', 'b.csv', 0, 9, '2026-01-15 10:02:30.000'),
    ('missing_field', 'product_id', 'third',  'z', 'file', 'a.csv', 0, 4, '2026-01-15 10:05:00.000');

-- Reports of the two days before, and of one after the time shown.
INSERT INTO top_products_daily
    (day, rank, product_id, category, views, unique_viewers, average_price, carts, purchases, view_to_purchase, revenue)
VALUES
    ('2026-01-13', 1, 'sofa', 'home',  70, 50, 400,   7, 2, 2.8571, 800),
    ('2026-01-14', 2, 'sofa', 'home',  80, 60, 400,   9, 3, 3.75,   1200),
    ('2026-01-14', 1, 'lamp', 'light', 90, 30, 19.99, 9, 9, 10,     179.91),
    ('2026-01-16', 1, 'desk', 'home',  99, 50, 300,   7, 2, 2.0202, 600);

INSERT INTO conversion_rate_daily
    (day, category, views, carts, purchases, view_to_purchase, view_to_cart, cart_to_purchase)
VALUES
    ('2026-01-13', 'home',  70, 7, 2, 2.8571, 10,    28.5714),
    ('2026-01-14', 'home',  80, 9, 3, 3.75,   11.25, 33.3333),
    ('2026-01-14', 'light', 90, 9, 9, 10,     10,    100),
    ('2026-01-16', 'home',  99, 7, 2, 2.0202, 7.0707, 28.5714);

INSERT INTO user_segmentation_daily (day, user_id, segment)
VALUES
    ('2026-01-13', 'u1', 'buyer'), ('2026-01-14', 'u1', 'buyer'),
    ('2026-01-14', 'u2', 'window_shopper'), ('2026-01-14', 'u3', 'window_shopper'),
    ('2026-01-16', 'u4', 'unknown');

INSERT INTO job_run_log (run_id, job, day, attempt, state, trigger, started_at, finished_at, rows, error, version)
VALUES
    ('00000000-0000-0000-0000-000000000001', 'top_products', '2026-01-13', 1, 'failed',    'schedule', '2026-01-14 02:00:00.000', '2026-01-14 02:00:01.000', 0, 'no', 2),
    ('00000000-0000-0000-0000-000000000002', 'top_products', '2026-01-14', 1, 'running',   'schedule', '2026-01-15 02:00:00.000', NULL, 0, '', 1),
    ('00000000-0000-0000-0000-000000000002', 'top_products', '2026-01-14', 1, 'succeeded', 'schedule', '2026-01-15 02:00:00.000', '2026-01-15 02:00:01.000', 2, '', 2);
