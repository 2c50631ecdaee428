package warehouse

// WaitCodes are the errors of ClickHouse that are waited for.
var WaitCodes = waitCodes
