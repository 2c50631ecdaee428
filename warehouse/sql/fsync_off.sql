-- The operating system writes parts to the disk when it likes.
ALTER TABLE {{.Table}} RESET SETTING
    fsync_after_insert, fsync_part_directory, min_rows_to_fsync_after_merge, min_compressed_bytes_to_fsync_after_merge
