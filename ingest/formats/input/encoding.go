package input

import (
	"bytes"
	"fmt"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// ShowsEncoding is how many of a file's first bytes show its encoding.
const ShowsEncoding = 4 << 10

// Decoded is r as UTF-8. The encoding is what a byte order mark says; else the
// named one; else UTF-16 where the first bytes look like it, and UTF-8. Text that
// is UTF-8 already is passed on as it is, its byte order mark included.
func Decoded(r io.Reader, name string) (io.Reader, error) {
	head, err := io.ReadAll(io.LimitReader(r, ShowsEncoding))
	switch {
	case err != nil && len(head) == 0:
		return nil, fmt.Errorf("read the first bytes: %w", err)
	case err != nil:
		r = failing{err}
	case len(head) < ShowsEncoding:
		r = failing{io.EOF} // a terminal would be read again
	}
	whole := io.MultiReader(bytes.NewReader(head), r)
	from, err := EncodingOf(head, name)
	if err != nil || from == nil {
		return whole, err
	}
	return transform.NewReader(whole, from.NewDecoder()), nil
}

// failing is what follows the last byte of a reader: its error.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// EncodingOf returns nil for UTF-8.
func EncodingOf(head []byte, name string) (encoding.Encoding, error) {
	var named encoding.Encoding
	if name != "" {
		var err error
		if named, err = htmlindex.Get(name); err != nil {
			return nil, fmt.Errorf("encoding %q is not known: give utf-8, utf-16le, utf-16be or windows-1252", name)
		}
		if named == unicode.UTF8 {
			named = nil
		}
	}
	little, big := utf16Pairs(head)
	switch {
	case bytes.HasPrefix(head, mark):
		return nil, nil
	case bytes.HasPrefix(head, []byte{0xff, 0xfe}):
		return unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), nil
	case bytes.HasPrefix(head, []byte{0xfe, 0xff}):
		return unicode.UTF16(unicode.BigEndian, unicode.UseBOM), nil
	case name != "":
		return named, nil
	case little:
		return unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM), nil
	case big:
		return unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM), nil
	}
	return nil, nil
}

// utf16Pairs says whether the bytes look like UTF-16 in which separators, digits
// and line ends, whose high byte is zero, are a quarter of the text or more.
func utf16Pairs(head []byte) (little, big bool) {
	var even, odd int
	for i, c := range head {
		if c != 0 {
			continue
		}
		if i%2 == 0 {
			even++
		} else {
			odd++
		}
	}
	enough := len(head)/8 + 1
	return odd > enough && even < odd/8, even > enough && odd < even/8
}

// SingleByte says whether text, which may be cut off, is in an encoding of one
// byte a character and not UTF-8: it has bytes beyond ASCII, and hardly any of
// them are UTF-8.
func SingleByte(text []byte) bool {
	valid, invalid := 0, 0
	for len(text) > 0 {
		if text[0] < utf8.RuneSelf {
			text = text[1:]
			continue
		}
		if !utf8.FullRune(text) {
			break
		}
		r, size := utf8.DecodeRune(text)
		if r == utf8.RuneError && size == 1 {
			invalid++
		} else {
			valid++
		}
		text = text[size:]
	}
	return invalid > valid
}
