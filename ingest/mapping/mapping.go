// Package mapping says how the columns of any click file become events.
//
// A mapping is written in one line, as the value of a flag:
//
//	event_type=action,timestamp=ts,product_id=sku,user_id=uid,source='shop-a'
//	event_type=action,event_type:pv=view,buy=purchase,timestamp=date+time,time='DD.MM.YYYY HH:mm'
//
// It is a list of entries with commas between. Spaces around an entry, a name
// and a value mean nothing. An entry is one of these:
//
//	FIELD=COLUMN       the event's field is that column of the file
//	FIELD='TEXT'       the field is TEXT in every event
//	FIELD:TEXT=TEXT    where the column holds the first text, the event gets the second
//	TEXT=TEXT          one more pair for the FIELD: before it
//	drop=COLUMN        the column is left out, as e-mail addresses should be; drop=COLUMN+COLUMN: both
//	SETTING=VALUE      how the file is written
//	auto               whatever is not given is guessed from the file; comes first
//
// A COLUMN is its name in the header, or #3 for the third one. In JSON lines it
// is a member's name, and user.id is the member id of the object user. Two
// columns with a plus between, as in timestamp=date+time, are joined by a space.
// A name with a comma, an equals sign, a plus or a quote in it, or that begins
// with #, is put in double quotes. A TEXT may be put in single quotes, and has to be
// where it holds one of those characters or is the name of a field or a setting.
// Within quotes, the quote itself is written twice.
//
// The fields are those of an event. A file needs columns for timestamp and
// event_type, and one for user_id or session_id; event_type, user_id and
// session_id may be constants instead. Columns that are neither mapped nor dropped
// go into the event's properties.
//
// The settings are:
//
//	time=rfc3339       times as in 2026-11-22T10:04:05Z; a space for the T and no zone will do (default)
//	time=unix_s        seconds since 1970; unix_ms, unix_us and unix_ns are the finer ones
//	time=LAYOUT        in pieces, as in DD.MM.YYYY HH:mm, or as Go writes it: 02.01.2006 15:04
//	zone=ZONE          the zone of times that name none, as in Europe/Berlin; default: UTC
//	decimal=comma      12,50 is twelve and a half; default: point
//	kind=jsonl         the file is JSON lines; kind=csv: values with a separator; default: found from the first line
//	separator=;        the separator, one character or tab; default: found from the first line
//	quote=single       cells are quoted by '; double: by "; none: a quote is a character as any other; default: double
//	skip=2             the file begins with so many lines that are neither the header nor rows, empty ones included
//	header=no          the file begins with its first row; default: yes
//	encoding=latin1    what the file is written in, by its usual name; default: UTF-8, and UTF-16 where the file shows it
//
// The pieces of a layout are YYYY, YY, MMMM (January), MMM (Jan), MM, M, DD, D,
// HH, H (24 hours), hh, h (12 hours), mm, ss, A (AM or PM), a (am or pm), Z (+02:00)
// and ZZ (+0200). A fraction of a second is read wherever seconds are.
package mapping

// Mapping is how the rows of a file become events. The zero Mapping maps
// nothing. Its maps are nil or not empty.
type Mapping struct {
	Auto      bool                         // what is not given is to be guessed
	Columns   map[string]Columns           // by the event's field
	Constants map[string]string            // by the event's field
	Values    map[string]map[string]string // by the event's field: the file's text → the event's
	Drop      Columns                      // what is left out

	Time         string // "": rfc3339
	Zone         string // "": UTC
	DecimalComma bool

	Kind      string // KindCSV, KindJSON or "": found from the first line
	Separator byte   // 0: found from the first line
	Quote     byte   // '"', '\'', NoQuote or 0, which is '"'
	Skip      int    // lines before the header or the first row
	NoHeader  bool
	Encoding  string // "": UTF-8, and UTF-16 where the first bytes show it
}

// Kinds of files.
const (
	KindCSV  = "csv"
	KindJSON = "jsonl"
)

// NoQuote is the Quote of a file in which quotes are characters as any other.
const NoQuote = '-'

// Columns are where a field's text comes from: one column, or several whose
// texts are joined by a space; or those that are left out.
type Columns []Column

// Column is a column of the file: by its name, or by its position where that is
// not 0.
type Column struct {
	Name     string
	Position int // from 1
}
