-- What a job without a report of its own has made of a day, as text.
SELECT * EXCEPT (day, run_id) APPLY (toString)
FROM {table:Identifier}
WHERE day = {day:Date}
ORDER BY {key:Identifier}
LIMIT 100
