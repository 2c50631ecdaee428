-- How many rows there are to compare.
SELECT toInt64(count()) FROM {stored:Identifier}
