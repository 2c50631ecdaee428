-- An insert returns, and a merge replaces its parts, only when the new part and
-- its folder are on the disk (M2).
ALTER TABLE {{.Table}} MODIFY SETTING
    fsync_after_insert = 1, fsync_part_directory = 1,
    min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1
