-- The definitions of the rules of all alerts.
SELECT groupUniqArray(toString(rule)) AS rules
FROM alert_log
