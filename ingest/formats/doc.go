// Package formats reads files of click events: known formats, one file here for
// each, those of tracking tools in package tracked, and any CSV, TSV or JSON lines
// by a mapping (package mapped).
//
// It promises: a row that cannot be read is returned as such, with its line and
// bytes, and reading continues; of a line with several events a bad one is
// returned by itself; nothing is sorted, and no event is left out or made up;
// a row's id, where it has none, is made from its fields as read and its
// number among equal rows of the file (I4); memory is bounded by the longest
// line, 1 MiB, and by what numbering equal rows needs (eventid.Rows), which writes
// the rest to temporary files.
package formats
