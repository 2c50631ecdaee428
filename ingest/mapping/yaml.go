package mapping

import (
	"errors"
	"fmt"
	"io"

	yaml "go.yaml.in/yaml/v2"
)

// file is a mapping as YAML. Columns are spelled as in a flag.
type file struct {
	Auto      bool                         `yaml:"auto,omitempty"`
	Columns   yaml.MapSlice                `yaml:"columns,omitempty"`
	Constants map[string]string            `yaml:"constants,omitempty"`
	Values    map[string]map[string]string `yaml:"values,omitempty"`
	Time      string                       `yaml:"time,omitempty"`
	Zone      string                       `yaml:"zone,omitempty"`
	Decimal   string                       `yaml:"decimal,omitempty"`
	Kind      string                       `yaml:"kind,omitempty"`
	Separator string                       `yaml:"separator,omitempty"`
	Quote     string                       `yaml:"quote,omitempty"`
	Header    *bool                        `yaml:"header,omitempty"`
	Encoding  string                       `yaml:"encoding,omitempty"`
}

// maxFile bounds a mapping's file.
const maxFile = 1 << 20

// Save writes the mapping as YAML, which Load reads back to an equal one.
func (m Mapping) Save(w io.Writer) error {
	f := file{Auto: m.Auto, Constants: m.Constants, Values: m.Values}
	for _, field := range fields {
		if c, ok := m.Columns[field]; ok {
			f.Columns = append(f.Columns, yaml.MapItem{Key: field, Value: c.String()})
		}
	}
	for _, s := range m.settings() {
		if s.name == "header" {
			f.Header = new(bool)
		} else {
			*f.setting(s.name) = s.value
		}
	}
	text, err := yaml.Marshal(f)
	if err != nil {
		return fmt.Errorf("write the mapping: %w", err)
	}
	if _, err := w.Write(text); err != nil {
		return fmt.Errorf("write the mapping: %w", err)
	}
	return nil
}

func (f *file) setting(name string) *string {
	return map[string]*string{
		"time": &f.Time, "zone": &f.Zone, "decimal": &f.Decimal, "kind": &f.Kind,
		"separator": &f.Separator, "quote": &f.Quote, "encoding": &f.Encoding,
	}[name]
}

// Load reads a mapping that Save or a person wrote, and reports everything
// that is wrong with it, what Check finds included.
func Load(r io.Reader) (Mapping, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return Mapping{}, fmt.Errorf("read the mapping: %w", err)
	}
	if len(text) > maxFile {
		return Mapping{}, fmt.Errorf("the mapping's file has more than %d bytes: is it the file of events?", maxFile)
	}
	var f file
	if err := yaml.UnmarshalStrict(text, &f); err != nil {
		return Mapping{}, fmt.Errorf("the mapping's file is not as expected: %w", err)
	}
	m := Mapping{Auto: f.Auto}
	var problems []error
	for _, item := range f.Columns {
		field, columns := fmt.Sprint(item.Key), fmt.Sprint(item.Value)
		p := parser{in: columns}
		c, ok := p.columns(field)
		if ok && p.in != "" {
			p.bad("%s: %q follows the column: put a name that holds a comma or an equals sign in double quotes", field, p.in)
		}
		if _, twice := m.Columns[field]; twice {
			p.bad("%s is given twice: give it once", field)
		}
		problems = append(problems, p.problems...)
		m.setColumns(field, c)
	}
	for field, text := range f.Constants {
		m.setConstant(field, text)
	}
	for field, pairs := range f.Values {
		for from, to := range pairs {
			m.setValue(field, from, to)
		}
	}
	m.NoHeader = f.Header != nil && !*f.Header
	for _, name := range settings {
		if name == "header" {
			continue
		}
		if value := *f.setting(name); value != "" {
			if err := m.set(name, value); err != nil {
				problems = append(problems, err)
			}
		}
	}
	if len(problems) > 0 {
		return Mapping{}, errors.Join(problems...)
	}
	return m, m.Check()
}
