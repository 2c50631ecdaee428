INSERT INTO {{.Table}} SELECT {{.Columns}} FROM {{.From}} WHERE n >= {{.Row}} AND n < {{.Row}} + {{.BlockRows}}
SETTINGS max_threads = 1, max_insert_threads = 1, min_insert_block_size_rows = {{.BlockRows}}, min_insert_block_size_bytes = 0, optimize_on_insert = 0
