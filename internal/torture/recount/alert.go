package recount

import "time"

// alertJSON is an alert as it is written to its topic.
type alertJSON struct {
	ID             string    `json:"alert_id"`
	Episode        string    `json:"episode_id"`
	Rule           string    `json:"rule"`
	Product        string    `json:"product_id"`
	Start          time.Time `json:"window_start"`
	End            time.Time `json:"window_end"`
	Status         string    `json:"status"`
	Views          int       `json:"views"`
	Purchases      int       `json:"purchases"`
	ConversionRate float64   `json:"conversion_rate"`
	Version        int64     `json:"version"`
	Exact          bool      `json:"exact"`
}

func (a alertJSON) alert() Alert {
	return Alert{
		ID: a.ID, Rule: a.Rule, Product: a.Product, Start: a.Start.UnixMilli(), End: a.End.UnixMilli(), Status: a.Status,
		Views: a.Views, Purchases: a.Purchases, ConversionRate: a.ConversionRate, Version: a.Version, Exact: a.Exact,
	}
}
