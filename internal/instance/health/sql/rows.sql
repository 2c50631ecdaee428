SELECT
    (SELECT count() FROM events),
    -- Answered from the parts' metadata.
    (SELECT count() FROM event_log),
    (SELECT max(received_at) FROM event_log),
    (SELECT count() FROM flash_sale_alerts),
    (SELECT count() FROM rejected_events)
