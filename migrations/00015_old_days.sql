-- +goose Up

-- A day that has been left alone for two hours becomes one part: whoever reads it
-- through the view then merges nothing. By themselves merges stop at parts that
-- are large enough.
ALTER TABLE event_log{{.OnCluster}}
    MODIFY SETTING min_age_to_force_merge_seconds = 7200, min_age_to_force_merge_on_partition_only = 1;

-- +goose Down
ALTER TABLE event_log{{.OnCluster}}
    RESET SETTING min_age_to_force_merge_seconds, min_age_to_force_merge_on_partition_only;
