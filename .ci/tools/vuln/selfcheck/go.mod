module clickstream/tools/vuln/selfcheck

go 1.26.0
