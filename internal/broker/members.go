package broker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
)

// Members returns how many live members each consumer group has. A member that
// was killed counts until its session has timed out.
func (c *Client) Members(ctx context.Context, groups ...string) (map[string]int, error) {
	described, err := c.admin().DescribeGroups(ctx, groups...)
	for err != nil && Classify(err) == Retriable && ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
			described, err = c.admin().DescribeGroups(ctx, groups...)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("ask for the members of the consumer groups: %w", err)
	}
	members := make(map[string]int, len(groups))
	for _, group := range groups {
		d, ok := described[group]
		if ok && d.Err != nil && !errors.Is(d.Err, kerr.GroupIDNotFound) { // a group begins with its first member
			return nil, fmt.Errorf("ask for the members of group %s: %w", group, d.Err)
		}
		members[group] = len(d.Members)
	}
	return members, nil
}

// Groups returns the consumer groups whose names begin with prefix, in the order
// of their names.
func (c *Client) Groups(ctx context.Context, prefix string) ([]string, error) {
	listed, err := c.admin().ListGroups(ctx)
	if err != nil {
		return nil, fmt.Errorf("list the consumer groups: %w", err)
	}
	return slices.DeleteFunc(listed.Groups(), func(group string) bool { return !strings.HasPrefix(group, prefix) }), nil
}
