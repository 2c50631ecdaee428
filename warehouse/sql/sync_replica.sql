-- Waits until this replica has the parts that the others had when it began.
SYSTEM SYNC REPLICA {{.Table}} LIGHTWEIGHT
