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
	Drop      string                       `yaml:"drop,omitempty"`
	Time      string                       `yaml:"time,omitempty"`
	Zone      string                       `yaml:"zone,omitempty"`
	Decimal   string                       `yaml:"decimal,omitempty"`
	Kind      string                       `yaml:"kind,omitempty"`
	Separator string                       `yaml:"separator,omitempty"`
	Quote     string                       `yaml:"quote,omitempty"`
	Skip      int                          `yaml:"skip,omitempty"`
	Header    *bool                        `yaml:"header,omitempty"`
	Encoding  string                       `yaml:"encoding,omitempty"`
}

// maxFile bounds a mapping's file.
const maxFile = 1 << 20

// Save writes the mapping as YAML, which Load reads back to an equal one.
func (m Mapping) Save(w io.Writer) error {
	f := file{Auto: m.Auto, Constants: m.Constants, Values: m.Values, Drop: m.Drop.String(), Skip: m.Skip}
	for _, field := range fields {
		if c, ok := m.Columns[field]; ok {
			f.Columns = append(f.Columns, yaml.MapItem{Key: field, Value: c.String()})
		}
	}
	for _, s := range m.settings() {
		switch text := f.setting(s.name); {
		case text != nil:
			*text = s.value
		case s.name == "header":
			f.Header = new(bool)
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

// setting is where a setting that is a text stands, or nil.
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
		field := fmt.Sprint(item.Key)
		c, wrong := columnsIn(field, fmt.Sprint(item.Value))
		if _, twice := m.Columns[field]; twice {
			wrong = append(wrong, fmt.Errorf("%s is given twice: give it once", field))
		}
		problems = append(problems, wrong...)
		m.setColumns(field, c)
	}
	if f.Drop == "" && names(text, drop) {
		problems = append(problems, fmt.Errorf("%s is empty: give columns, a position in quotes, as in '#3'", drop))
	}
	if f.Drop != "" {
		c, wrong := columnsIn(drop, f.Drop)
		problems = append(problems, wrong...)
		m.Drop = c
	}
	for field, text := range f.Constants {
		m.setConstant(field, text)
	}
	for field, pairs := range f.Values {
		for from, to := range pairs {
			m.setValue(field, from, to)
		}
	}
	m.Skip = f.Skip
	m.NoHeader = f.Header != nil && !*f.Header
	for _, name := range settings {
		if text := f.setting(name); text != nil && *text != "" {
			if err := m.set(name, *text); err != nil {
				problems = append(problems, err)
			}
		}
	}
	if len(problems) > 0 {
		return Mapping{}, errors.Join(problems...)
	}
	return m, m.Check()
}

// names says whether YAML has a key. What follows # in it is a comment, so a value
// that was meant to be a position is none.
func names(text []byte, key string) bool {
	var all map[string]any
	if err := yaml.Unmarshal(text, &all); err != nil {
		return false
	}
	_, ok := all[key]
	return ok
}

// columnsIn reads columns as in a flag, and nothing after them.
func columnsIn(name, text string) (Columns, []error) {
	p := parser{in: text}
	c, ok := p.columns(name)
	if ok && p.in != "" {
		p.bad("%s: %q follows the column: put a name that holds a comma or an equals sign in double quotes", name, p.in)
	}
	return c, p.problems
}
