package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"

	"clickstream/internal/event"
	"clickstream/internal/event/rules"
	"clickstream/internal/instance"
)

// checkRule refuses a rule that this log knows nothing of. Known are the rules of
// the stored sets, the default set's, and those of alerts, which are kept longer
// than a set may be.
func checkRule(ctx context.Context, p *instance.Pipeline, name string) error {
	sets, err := p.Broker.RuleSets(ctx)
	if err != nil {
		return err
	}
	known := make(map[string]bool)
	for _, set := range append(sets.Sets(), rules.Default()) {
		for _, r := range set.Rules() {
			known[r.Name] = true
		}
	}
	if known[name] {
		return nil
	}
	var definitions []string
	if err := p.Warehouse.Conn().QueryRow(ctx, query("alert_rules")).Scan(&definitions); err != nil {
		return fmt.Errorf("read the rules of the alerts: %w", err)
	}
	for _, definition := range definitions {
		known[event.RuleName(definition)] = true
	}
	if known[name] {
		return nil
	}
	return fmt.Errorf("there is no rule %q: those of this log are %s", name, strings.Join(slices.Sorted(maps.Keys(known)), ", "))
}

// seenLately says whether there are events of a product from the last week. It
// looks no further back, so that the answer takes no longer as the log grows.
func seenLately(ctx context.Context, p *instance.Pipeline, product string) (bool, error) {
	var seen bool
	if err := p.Warehouse.Conn().QueryRow(ctx, query("product_seen"), clickhouse.Named("product", product)).Scan(&seen); err != nil {
		return false, fmt.Errorf("look for events of the product: %w", err)
	}
	return seen, nil
}
