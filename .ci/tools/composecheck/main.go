// Command composecheck loads a compose file as Docker Compose does, checked
// against the specification's schema, and then for what this project promises
// of it: passwords only from .env and each of them demanded, nothing published
// beyond loopback, every image pinned.
//
//	go run . ../../../compose.yaml ../../../.env.example
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: composecheck COMPOSE-FILE ENV-EXAMPLE")
		os.Exit(2)
	}
	if err := check(context.Background(), os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", os.Args[1], err)
		os.Exit(1)
	}
}

func check(ctx context.Context, composeFile, exampleFile string) error {
	example, err := dotenv.Read(exampleFile)
	if err != nil {
		return fmt.Errorf("read %s: %w", exampleFile, err)
	}
	filled := types.Mapping{}
	var blank []string
	for name, value := range example {
		if value == "" {
			blank = append(blank, name)
			value = "secret-" + strings.ToLower(name)
		}
		filled[name] = value
	}
	sort.Strings(blank)
	project, err := load(ctx, composeFile, filled)
	if err != nil {
		return err
	}
	var errs []error
	for _, name := range blank {
		without := filled.Clone()
		without[name] = ""
		_, err := load(ctx, composeFile, without)
		if err == nil {
			errs = append(errs, fmt.Errorf("without %s it is not refused", name))
		} else if !strings.Contains(err.Error(), name) {
			errs = append(errs, fmt.Errorf("without %s it is refused with another reason: %w", name, err))
		}
	}
	errs = append(errs, published(project)...)
	errs = append(errs, mounted(project)...)
	if err := errors.Join(errs...); err != nil {
		return err
	}
	fmt.Printf("%s is valid: %s\n", composeFile, strings.Join(project.ServiceNames(), ", "))
	return nil
}

func load(ctx context.Context, file string, environment types.Mapping) (*types.Project, error) {
	path, err := filepath.Abs(file)
	if err != nil {
		return nil, err
	}
	return loader.LoadWithContext(ctx, types.ConfigDetails{
		WorkingDir:  filepath.Dir(path),
		ConfigFiles: []types.ConfigFile{{Filename: path}},
		Environment: environment,
	})
}

// published reports ports that other machines can reach, and images whose
// version is not named.
func published(project *types.Project) (errs []error) {
	for name, service := range project.Services {
		for _, port := range service.Ports {
			if port.HostIP != "127.0.0.1" {
				errs = append(errs, fmt.Errorf("service %s publishes port %s on %q: only 127.0.0.1 is allowed", name, port.Published, port.HostIP))
			}
		}
		if service.NetworkMode == "host" || service.Privileged {
			errs = append(errs, fmt.Errorf("service %s is not kept apart from the machine", name))
		}
		_, tag, _ := strings.Cut(service.Image, ":")
		if service.Build == nil && (tag == "" || tag == "latest") {
			errs = append(errs, fmt.Errorf("service %s: image %q names no version", name, service.Image))
		}
		if service.MemLimit == 0 {
			errs = append(errs, fmt.Errorf("service %s has no memory limit", name))
		}
	}
	return errs
}

// mounted reports files and folders that are mounted and not there: Docker
// would make an empty folder in their place.
func mounted(project *types.Project) (errs []error) {
	for name, service := range project.Services {
		for _, volume := range service.Volumes {
			if volume.Type != types.VolumeTypeBind {
				continue
			}
			if _, err := os.Stat(volume.Source); err != nil {
				errs = append(errs, fmt.Errorf("service %s mounts what is not there: %w", name, err))
			}
		}
	}
	return errs
}
