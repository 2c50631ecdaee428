-- How far the run has come.
INSERT INTO {progress:Identifier} (key, released, begins, ends, stored_to, next, last_values, matched)
SELECT {key:String}, {released:Bool}, {starts:Array(Int64)}, {ends:Array(Int64)}, {stored_to:Int64}, {next:Array(Int64)}, {last_values:Array(Int64)}, {matched:UInt64}
