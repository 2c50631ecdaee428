package event

import (
	"encoding/json"
	"fmt"
	"time"
)

// Status is where an alert is in its life (W4).
type Status string

const (
	Firing    Status = "firing"    // its open window qualifies
	Retracted Status = "retracted" // its window qualified and no longer does
	Confirmed Status = "confirmed" // its window has closed and still qualified
)

// Alert is one version of the state of a product in a window. The highest
// version of an id is the one that counts.
type Alert struct {
	ID             string    `json:"alert_id"`
	Rule           string    `json:"rule"`
	ProductID      string    `json:"product_id"`
	WindowStart    time.Time `json:"window_start"`
	WindowEnd      time.Time `json:"window_end"`
	Status         Status    `json:"status"`
	Views          int       `json:"views"`
	Purchases      int       `json:"purchases"`
	ConversionRate float64   `json:"conversion_rate"` // percent, to 4 places
	Version        int64     `json:"version"`         // the log was counted up to this offset, itself not included
	EpisodeID      string    `json:"episode_id"`      // the id of the alert with which its episode began (W9); empty in older alerts
	Exact          bool      `json:"exact"`           // false where not all ids and products could be remembered
}

// AppendJSON appends the alert as it is written to its topic.
func (a Alert) AppendJSON(dst []byte) ([]byte, error) {
	text, err := json.Marshal(a)
	return append(dst, text...), err
}

// DecodeAlert reads an alert and checks it. The error, if any, is a *Rejection.
func DecodeAlert(value []byte) (Alert, error) {
	var a Alert
	if err := json.Unmarshal(value, &a); err != nil {
		return a, reject(ReasonBadJSON, "", "not an alert: %v", err)
	}
	for _, f := range [...]struct{ name, value string }{
		{"alert_id", a.ID}, {"rule", a.Rule}, {"product_id", a.ProductID},
	} {
		if f.value == "" {
			return a, reject(ReasonMissingField, f.name, "an alert needs it")
		}
	}
	switch a.Status {
	case Firing, Retracted, Confirmed:
	default:
		return a, reject(ReasonBadType, "status", "%q is not firing, retracted or confirmed", a.Status)
	}
	if !a.WindowEnd.After(a.WindowStart) || a.WindowStart.Year() < 1970 || a.WindowEnd.Year() > 2200 {
		return a, reject(ReasonBadTime, "window_end", "%s to %s is not a valid window", a.WindowStart, a.WindowEnd)
	}
	if a.Views < 0 || a.Purchases < 0 || a.Version < 0 {
		return a, reject(ReasonBadType, "version", "counts and versions are not negative")
	}
	return a, nil
}

// ConversionRate is 100 × purchases / views, to four places; 0 without views.
func ConversionRate(views, purchases int) float64 {
	if views == 0 {
		return 0
	}
	return float64((int64(purchases)*2_000_000+int64(views))/(2*int64(views))) / 10_000
}

func (a Alert) String() string {
	return fmt.Sprintf("%s %s [%s, %s) views %d, purchases %d", a.Status, a.ProductID,
		a.WindowStart.Format(time.RFC3339), a.WindowEnd.Format(time.RFC3339), a.Views, a.Purchases)
}
