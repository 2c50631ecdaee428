package simulation

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// longestStop is how long a stop may take, whatever hangs.
const longestStop = 10 * time.Second

// mostInstances is up to how many are added.
const mostInstances = 3

// Instance is a process on a machine of its own.
type Instance struct {
	Name string
	Host *Host
	end  context.CancelFunc
	done chan struct{}
}

// Instances are the processes of a simulation. One goroutine uses them.
type Instances struct {
	Network *Network
	// Run is a process. It returns soon after ctx has ended.
	Run func(ctx context.Context, i *Instance)
	Say Sayf
	// Wrong is called with what no instance may do.
	Wrong Sayf

	running []*Instance
	started int
}

// Start starts a new one, until it is stopped or killed.
func (s *Instances) Start() *Instance {
	s.started++
	ctx, end := context.WithCancel(context.Background())
	i := &Instance{Name: fmt.Sprint("instance ", s.started), Host: s.Network.Host(), end: end, done: make(chan struct{})}
	go func() {
		defer close(i.done)
		s.Run(ctx, i)
	}()
	s.running = append(s.running, i)
	s.Say("%s starts", i.Name)
	return i
}

// Stop ends an instance as an operator does.
func (s *Instances) Stop(i *Instance) {
	s.forget(i)
	s.Say("%s stops", i.Name)
	i.Host.Resume() // a process that is paused gets no signal
	i.end()
	select {
	case <-i.done:
	case <-time.After(longestStop):
		s.Wrong("%s has not stopped after %s", i.Name, longestStop)
	}
	i.Host.Kill()
	<-i.done
}

// StopAll stops those that are left.
func (s *Instances) StopAll() {
	for len(s.running) > 0 {
		s.Stop(s.running[0])
	}
}

// kill ends an instance at whatever step it is.
func (s *Instances) kill(i *Instance) {
	s.forget(i)
	s.Say("%s is killed", i.Name)
	i.Host.Kill()
	i.end()
	<-i.done
}

func (s *Instances) forget(i *Instance) {
	s.running = slices.DeleteFunc(s.running, func(o *Instance) bool { return o == i })
}

// onAny is a fault of one of the running instances, if there is one.
func (s *Instances) onAny(fault func(i *Instance) func()) func(*rand.Rand) func() {
	return func(draw *rand.Rand) func() {
		if len(s.running) == 0 {
			return nil
		}
		return fault(s.running[draw.IntN(len(s.running))])
	}
}

// Faults are those of instances.
func (s *Instances) Faults() []Fault {
	again := func() { s.Start() }
	return []Fault{
		{"an instance is killed", 6, s.onAny(func(i *Instance) func() {
			s.kill(i)
			return again
		})},
		{"an instance is stopped", 3, s.onAny(func(i *Instance) func() {
			s.Stop(i)
			return again
		})},
		{"an instance is added", 3, func(*rand.Rand) func() {
			if len(s.running) >= mostInstances {
				return nil
			}
			added := s.Start()
			return func() {
				if slices.Contains(s.running, added) {
					s.Stop(added)
				}
			}
		}},
		{"an instance is paused", 6, s.onAny(func(i *Instance) func() {
			i.Host.Pause()
			s.Say("%s is paused", i.Name)
			return func() {
				s.Say("%s goes on", i.Name)
				i.Host.Resume()
			}
		})},
		{"an instance's connections are cut", 4, s.onAny(func(i *Instance) func() {
			i.Host.Cut()
			return nil
		})},
	}
}
