package cli

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

// writeKeys reads the secrets that clients of the collector have to give, from
// a file or, without one, from the environment. Without either there are none.
func writeKeys(file string) (map[string]string, error) {
	given := os.Getenv(envWriteKeys)
	switch {
	case file != "" && given != "":
		return nil, usagef("$%s and --write-keys-file are both given: give one", envWriteKeys)
	case file != "":
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, usagef("read the write keys: %w", err)
		}
		return fileKeys(file, string(text))
	case given != "":
		return environmentKeys(given)
	}
	return nil, nil
}

func fileKeys(file, text string) (map[string]string, error) {
	keys := map[string]string{}
	var errs []error
	for i, line := range strings.Split(text, "\n") {
		fields := strings.Fields(line)
		switch {
		case len(fields) == 0 || strings.HasPrefix(line, "#"):
		case len(fields) != 2:
			errs = append(errs, fmt.Errorf("%s line %d: write NAME SECRET", file, i+1))
		case keys[fields[0]] != "":
			errs = append(errs, fmt.Errorf("%s line %d: the name %q is given twice", file, i+1, fields[0]))
		default:
			keys[fields[0]] = fields[1]
		}
	}
	if len(keys) == 0 && len(errs) == 0 {
		errs = append(errs, fmt.Errorf("%s holds no write key: write NAME SECRET, or leave --write-keys-file out", file))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, usageError{err}
	}
	return keys, nil
}

// environmentKeys names a wrong key by its place: its text may be a secret.
func environmentKeys(given string) (map[string]string, error) {
	keys := map[string]string{}
	for i, key := range strings.Split(given, ",") {
		name, secret, _ := strings.Cut(strings.TrimSpace(key), ":")
		if name == "" || secret == "" {
			return nil, usagef("$%s, key %d: write NAME:SECRET, with commas between keys", envWriteKeys, i+1)
		}
		if keys[name] != "" {
			return nil, usagef("$%s: the name %q is given twice", envWriteKeys, name)
		}
		keys[name] = secret
	}
	return keys, nil
}
