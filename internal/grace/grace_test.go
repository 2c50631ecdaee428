package grace_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"clickstream/internal/grace"
)

func TestAContextEndsTheGraceAfterItsParent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		longer, cancel := grace.Context(ctx, time.Minute)
		defer cancel()
		time.Sleep(time.Hour)
		if longer.Err() != nil {
			t.Fatal("it ended while its parent had not")
		}
		stop()
		stopped := time.Now()
		<-longer.Done()
		if took := time.Since(stopped); took != time.Minute {
			t.Errorf("it ended %s after its parent, want a minute", took)
		}
	})
}

func TestAContextOfAnEndedParentLastsForTheGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		stop()
		began := time.Now()
		longer, cancel := grace.Context(ctx, time.Minute)
		defer cancel()
		<-longer.Done()
		if took := time.Since(began); took != time.Minute {
			t.Errorf("it ended after %s, want a minute", took)
		}
	})
}

func TestCancelEndsAContextAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, stopFirst := range map[string]bool{"before its parent": false, "within the grace": true} {
			ctx, stop := context.WithCancel(t.Context())
			longer, cancel := grace.Context(ctx, time.Minute)
			if stopFirst {
				stop()
				synctest.Wait()
			}
			began := time.Now()
			cancel()
			<-longer.Done()
			if took := time.Since(began); took != 0 {
				t.Errorf("%s: it took %s", name, took)
			}
			stop()
		}
	})
}

type key struct{}

func TestAContextKeepsItsParentsValues(t *testing.T) {
	longer, cancel := grace.Context(context.WithValue(t.Context(), key{}, "value"), time.Minute)
	defer cancel()
	if got := longer.Value(key{}); got != "value" {
		t.Errorf("got %v", got)
	}
}
