package guess

import (
	"net/netip"
	"slices"
	"strings"

	"clickstream/ingest/mapping"
)

// personal is a kind of data about people that no report needs.
type personal struct {
	what  string
	names []string // the ends of names of columns that hold it, folded
	is    func(text string) bool
	// named is like is, for a column that has one of the names.
	named func(text string) bool
}

var personals = []personal{
	{"e-mail addresses", []string{"email", "emailaddress", "mail", "mailaddress", "emailadresse", "mailadresse", "correo", "courriel"}, isEmail, isEmail},
	{"phone numbers", []string{
		"phone", "phonenumber", "phoneno", "tel", "telephone", "telephonenumber", "telefon", "telefonnummer", "telefonnr", "telefono", "mobile", "mobilephone",
		"mobilenumber", "mobil", "mobilnummer", "handy", "handynummer", "fax", "msisdn",
	}, isPhone, func(s string) bool { return digitsOfPhone(s) >= 6 }},
	{"IP addresses", []string{"ip", "ipaddress", "ipadresse", "ipaddr", "ipv4", "ipv6", "remoteaddr"}, isIP, isIP},
}

// guessDropped leaves out the columns that hold personal data and that no field
// has. Where the mapping says what to leave out, that is all.
func (g *guessing) guessDropped() {
	given := g.Drop
	for i := range g.columns {
		c := &g.columns[i]
		what := c.personal()
		switch {
		case what == "" || c.Column == (mapping.Column{}) || slices.ContainsFunc(given, g.isColumn(i)):
		case g.used[i]:
			g.doubt("The column %s holds %s, which are stored as they are; if they should not be, use another column or replace them in the file.", c, what)
		case given != nil:
			g.doubt("The column %s holds %s, which are stored as they are; if they should not be, add it to drop=%s.", c, what, given)
		default:
			g.Drop = append(g.Drop, c.Column)
			g.doubt("The column %s seems to hold %s and is left out; to keep it as a property, give this mapping without it in drop=.", c, what)
		}
	}
}

// personal is what a column holds of personal data, by most of its texts, or by
// its name where it is empty in the sample.
func (c *sampled) personal() string {
	for _, p := range personals {
		named := slices.ContainsFunc(p.names, func(name string) bool { return slices.Contains(ends(c.name), name) })
		is := p.is
		if named {
			is = p.named
		}
		if named && len(c.held) == 0 || share(c.held, is) > 50 {
			return p.what
		}
	}
	return ""
}

// ends are a name's last word, its last two words, and so on, folded.
func ends(name string) []string {
	all := words(name)
	var ends []string
	for i := range all {
		ends = append(ends, strings.Join(all[i:], ""))
	}
	return ends
}

func isEmail(text string) bool {
	local, domain, ok := strings.Cut(text, "@")
	return ok && local != "" && strings.Contains(domain, ".") && !strings.Contains(text, "://")
}

// isPhone takes only international numbers: others look like a shop's ids.
func isPhone(text string) bool { return text[0] == '+' && digitsOfPhone(text) >= 8 }

// digitsOfPhone is how many digits a phone number has, or 0 for another text.
func digitsOfPhone(text string) int {
	n := 0
	for i := range len(text) {
		switch c := text[i]; {
		case c >= '0' && c <= '9':
			n++
		case !strings.ContainsRune("+-/(). ", rune(c)):
			return 0
		}
	}
	if n > 15 {
		return 0
	}
	return n
}

func isIP(text string) bool {
	if _, err := netip.ParseAddr(text); err == nil {
		return true
	}
	_, err := netip.ParseAddrPort(text)
	return err == nil
}
