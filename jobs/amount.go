package jobs

import (
	"fmt"

	"github.com/shopspring/decimal"
)

// Amount is money: a decimal number, whose digits JSON has as they are, without
// quotes.
type Amount struct{ decimal.Decimal }

// MarshalJSON writes a number of at most four places.
func (a Amount) MarshalJSON() ([]byte, error) { return []byte(a.Round(4).String()), nil }

// Scan reads a column of decimals.
func (a *Amount) Scan(value any) error {
	number, ok := value.(decimal.Decimal)
	if !ok {
		return fmt.Errorf("%T is not a decimal number", value)
	}
	a.Decimal = number
	return nil
}

// text is the amount to two places, with its thousands apart.
func (a Amount) text() string {
	digits := a.Abs().StringFixed(2)
	whole := digits[:len(digits)-3]
	sign := ""
	if a.IsNegative() {
		sign = "-"
	}
	return sign + thousands(whole) + digits[len(whole):]
}
