-- Which runs the rows of each day are from.
SELECT day, run_id, count() AS rows
FROM {table:Identifier}
WHERE day BETWEEN {from:Date} AND {to:Date}
GROUP BY day, run_id
