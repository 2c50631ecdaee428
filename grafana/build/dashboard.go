package main

import (
	"bytes"
	"encoding/json"
	"fmt"

	"clickstream/grafana"
)

const (
	datasourceType = "grafana-clickhouse-datasource"
	datasourceUID  = "clickhouse" // as in provisioning/datasources/clickhouse.yaml
	pluginVersion  = "4.20.0"     // as compose.yaml installs it
	schemaVersion  = 42           // of Grafana's classic dashboards
	gridColumns    = 24
)

// object is a JSON object; its keys are written in the order of their names.
type object map[string]any

var datasource = object{"type": datasourceType, "uid": datasourceUID}

// shop is the text of the shop's dashboard.
func shop() ([]byte, error) {
	panels, err := place(shopPanels)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false) // the queries' < and > stay readable
	encoder.SetIndent("", "  ")
	err = encoder.Encode(object{
		"uid":           "clickstream-shop",
		"title":         "Shop",
		"description":   "The shop's clicks: flash sales as they happen, how visitors become buyers, the daily reports, and whether all of it is fresh.",
		"tags":          []string{"clickstream"},
		"schemaVersion": schemaVersion,
		"editable":      false,
		"graphTooltip":  1, // one cross-hair through all panels
		"refresh":       "30s",
		"time":          object{"from": "now-1h", "to": "now"},
		"timepicker":    object{"refresh_intervals": []string{"10s", "30s", "1m", "5m", "15m", "1h"}},
		"timezone":      "browser",
		"annotations":   object{"list": []any{}},
		"templating":    object{"list": []any{}},
		"links":         []any{},
		"panels":        panels,
	})
	return out.Bytes(), err
}

// place puts the panels side by side until a row is full.
func place(panels []panel) ([]object, error) {
	var placed []object
	x, y, rowHeight := 0, 0, 0
	for i, p := range panels {
		if x+p.width > gridColumns {
			x, y, rowHeight = 0, y+rowHeight, 0
		}
		o, err := p.object()
		if err != nil {
			return nil, fmt.Errorf("panel %q: %w", p.title, err)
		}
		o["id"] = i + 1
		o["gridPos"] = object{"x": x, "y": y, "w": p.width, "h": p.height}
		placed = append(placed, o)
		x, rowHeight = x+p.width, max(rowHeight, p.height)
	}
	return placed, nil
}

func (p panel) object() (object, error) {
	sql, err := grafana.Query(p.query)
	if err != nil {
		return nil, err
	}
	// What the plugin makes of the rows: columns over time, or a table as it is.
	queryType, format := "table", 1
	if p.kind == timeSeries {
		queryType, format = "timeseries", 0
	}
	o := object{
		"type":        p.kind,
		"title":       p.title,
		"description": p.description,
		"datasource":  datasource,
		"targets": []object{{
			"refId": "A", "datasource": datasource, "editorType": "sql", "pluginVersion": pluginVersion,
			"queryType": queryType, "format": format, "rawSql": sql,
		}},
		"fieldConfig": object{"defaults": p.defaults(), "overrides": p.overrides()},
		"options":     p.options(),
	}
	if p.kind == timeSeries {
		// Steps shorter than this are noise.
		o["interval"] = "10s"
	}
	return o, nil
}

func (p panel) defaults() object {
	d := object{"noValue": p.empty}
	if p.unit != "" {
		d["unit"] = p.unit
	}
	switch p.kind {
	case timeSeries:
		d["min"] = 0
		d["color"] = object{"mode": "palette-classic"}
		d["custom"] = object{"drawStyle": "line", "lineWidth": 1, "fillOpacity": 10, "showPoints": "never", "spanNulls": false}
	case table:
		d["custom"] = object{"align": "auto", "cellOptions": object{"type": "auto"}}
	case pie:
		d["color"] = object{"mode": "palette-classic"}
	case stat:
		d["color"] = object{"mode": "thresholds"}
		d["thresholds"] = thresholds(p.steps)
	}
	return d
}

func thresholds(steps []step) object {
	if len(steps) == 0 {
		steps = []step{{colour: "text"}}
	}
	list := []object{}
	for i, s := range steps {
		o := object{"color": s.colour, "value": s.from}
		if i == 0 {
			o["value"] = nil // from minus infinity on
		}
		list = append(list, o)
	}
	return object{"mode": "absolute", "steps": list}
}

func (p panel) overrides() []object {
	list := []object{}
	for _, c := range p.columns {
		properties := []object{}
		set := func(id string, value any) { properties = append(properties, object{"id": id, "value": value}) }
		if c.title != "" {
			set("displayName", c.title)
		}
		if c.unit != "" {
			set("unit", c.unit)
		}
		switch c.look {
		case percent, share:
			set("custom.cellOptions", object{"type": "gauge", "mode": "basic", "valueDisplayMode": "text"})
			set("color", object{"mode": "fixed", "fixedColor": "blue"})
			set("min", 0)
			if c.look == percent {
				set("max", 100)
			}
		case bars:
			set("custom.drawStyle", "bars")
			set("custom.fillOpacity", 60)
		}
		if c.colours != nil {
			options := object{}
			for text, colour := range c.colours {
				options[text] = object{"color": colour}
			}
			set("mappings", []object{{"type": "value", "options": options}})
			set("custom.cellOptions", object{"type": "color-text"})
		}
		list = append(list, object{
			"matcher": object{"id": "byName", "options": c.name}, "properties": properties,
		})
	}
	return list
}

func (p panel) options() object {
	// A row a slice for the pie, the one row's values for the others.
	reduce := object{"calcs": []string{"lastNotNull"}, "fields": "", "values": p.kind == pie}
	switch p.kind {
	case timeSeries:
		return object{
			"legend":  object{"displayMode": "list", "placement": "bottom", "showLegend": true},
			"tooltip": object{"mode": "multi", "sort": "desc"},
		}
	case stat:
		return object{"reduceOptions": reduce, "colorMode": "value", "graphMode": "none", "textMode": "auto", "orientation": "vertical"}
	case pie:
		return object{
			"reduceOptions": reduce, "pieType": "donut", "displayLabels": []string{"percent"},
			"legend": object{"displayMode": "table", "placement": "right", "showLegend": true, "values": []string{"value", "percent"}},
		}
	default:
		return object{"showHeader": true, "cellHeight": "sm"}
	}
}
