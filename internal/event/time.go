package event

// civil turns days since 1970-01-01 into a date, and daysSince the reverse, in
// the proleptic Gregorian calendar (Howard Hinnant, "chrono-Compatible
// Low-Level Date Algorithms").
func civil(days int64) (year, month, day int64) {
	z := days + 719468
	era := z / 146097
	if z < 0 {
		era = (z - 146096) / 146097
	}
	doe := z - era*146097
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	day = doy - (153*mp+2)/5 + 1
	month = mp + 3
	if month > 12 {
		month -= 12
	}
	year = yoe + era*400
	if month <= 2 {
		year++
	}
	return year, month, day
}

func daysSince(year, month, day int64) int64 {
	if month <= 2 {
		year--
	}
	era := year / 400
	yoe := year - era*400
	mp := month - 3
	if month <= 2 {
		mp = month + 9
	}
	doy := (153*mp+2)/5 + day - 1
	doe := yoe*365 + yoe/4 - yoe/100 + doy
	return era*146097 + doe - 719468
}

func daysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// ParseTime reads an RFC 3339 time, cut to the millisecond. A lenient reading
// also takes what other producers send: a space in place of the T, no zone at
// all or a trailing " UTC" (both read as UTC).
func ParseTime(s string, lenient bool) (Millis, bool) {
	num := func(from, to int) int {
		n := 0
		for ; from < to; from++ {
			c := s[from] - '0'
			if c > 9 {
				return -1
			}
			n = n*10 + int(c)
		}
		return n
	}
	if len(s) < 19 || s[4] != '-' || s[7] != '-' || s[13] != ':' || s[16] != ':' {
		return 0, false
	}
	if c := s[10]; c != 'T' && c != 't' && !(lenient && c == ' ') {
		return 0, false
	}
	y, mo, d, h, mi, sec := num(0, 4), num(5, 7), num(8, 10), num(11, 13), num(14, 16), num(17, 19)
	if y < 0 || mo < 1 || mo > 12 || d < 1 || d > daysIn(y, mo) || h < 0 || h > 23 || mi < 0 || mi > 59 || sec < 0 || sec > 59 {
		return 0, false
	}
	ms := daysSince(int64(y), int64(mo), int64(d))*86_400_000 + int64(h)*3_600_000 + int64(mi)*60_000 + int64(sec)*1000
	s = s[19:]
	if len(s) > 1 && s[0] == '.' {
		i, scale := 1, int64(100)
		for ; i < len(s) && s[i] >= '0' && s[i] <= '9'; i++ {
			ms += int64(s[i]-'0') * scale
			scale /= 10
		}
		if i == 1 {
			return 0, false
		}
		s = s[i:]
	}
	switch {
	case s == "Z" || s == "z":
	case lenient && (s == "" || s == " UTC"):
	case len(s) == 6 && (s[0] == '+' || s[0] == '-') && s[3] == ':':
		zh, zm := num(1, 3), num(4, 6)
		if zh < 0 || zh > 23 || zm < 0 || zm > 59 {
			return 0, false
		}
		offset := int64(zh*60+zm) * 60_000
		if s[0] == '+' {
			offset = -offset
		}
		ms += offset
	default:
		return 0, false
	}
	return Millis(ms), true
}
