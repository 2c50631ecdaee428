// Package rows holds the columns in which rows travel to ClickHouse's tables.
// Appending copies what it is given; a set of columns is used again after
// Reset, so that a long run allocates nothing. Columns are for one goroutine at
// a time, and sending them leaves them as they are: a block that was not
// answered is sent again as it was.
package rows
