package ingest

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"

	"clickstream/internal/broker/brokertest"
	"clickstream/internal/testwait"
)

const benchConnections = 16

// benchCollector serves a collector on a port of its own, over the broker that
// the environment names.
func benchCollector(b *testing.B) (address string) {
	b.Helper()
	p, err := NewProducer(b.Context(), brokertest.Open(b), zerolog.Nop(), ForRequests())
	if err != nil {
		b.Fatal(err)
	}
	c, err := NewCollector(CollectorConfig{Producer: p})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(p.Close)
	testwait.Run(b, c.Run)
	return c.Addr()
}

// benchRequest is a request of events of about 257 bytes, with many products.
func benchRequest(events int, seed uint64) []byte {
	rnd := rand.New(rand.NewPCG(seed, 1))
	now := time.Now().UTC().Format("2006-01-02T15:04:05.000Z")
	var body strings.Builder
	for range events {
		fmt.Fprintf(&body, `{"event_id":"%032x","event_type":"view","timestamp":%q,"user_id":"u%d","session_id":"s%016x","product_id":"p%d","product_category":"electronics.phone","brand":"acme","price":%d.99,"device_type":"mobile"}`+"\n",
			rnd.Uint64(), now, rnd.IntN(50_000), rnd.Uint64(), rnd.IntN(10_000), rnd.IntN(900))
	}
	return fmt.Appendf(nil, "POST /v1/events HTTP/1.1\r\nHost: shop\r\nContent-Type: application/x-ndjson\r\nContent-Length: %d\r\n\r\n%s", body.Len(), body.String())
}

type benchClient struct {
	conn net.Conn
	in   *bufio.Reader
}

func dialBench(b *testing.B, address string) *benchClient {
	b.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.Close() })
	return &benchClient{conn, bufio.NewReader(conn)}
}

func (c *benchClient) send(request []byte) error {
	if _, err := c.conn.Write(request); err != nil {
		return err
	}
	resp, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the answer is %s", resp.Status)
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

// Events a second, all acknowledged: 16 connections, each with one request at a
// time, beside the broker and the clients on the same cores.
func BenchmarkCollectorThroughput(b *testing.B) {
	for _, events := range []int{1, 10, 100, 1000} {
		b.Run(fmt.Sprintf("events=%d", events), func(b *testing.B) {
			address := benchCollector(b)
			clients := make([]*benchClient, benchConnections)
			requests := make([][]byte, benchConnections)
			for i := range clients {
				clients[i], requests[i] = dialBench(b, address), benchRequest(events, uint64(i))
			}
			b.ResetTimer()
			var group errgroup.Group
			for i, c := range clients {
				n := b.N / benchConnections
				if i < b.N%benchConnections {
					n++
				}
				group.Go(func() error {
					for range n {
						if err := c.send(requests[i]); err != nil {
							return err
						}
					}
					return nil
				})
			}
			if err := group.Wait(); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(b.N*events)/b.Elapsed().Seconds(), "events/s")
			b.ReportMetric(float64(runtime.GOMAXPROCS(0)), "cores")
		})
	}
}

// How long a single event takes at 1,000 requests a second: each of 16
// connections sends by the clock, and a request that has to wait for the one
// before it counts from when it was due.
func BenchmarkCollectorLatency(b *testing.B) {
	address := benchCollector(b)
	const every = benchConnections * time.Millisecond
	took := make([][]time.Duration, benchConnections)
	clients := make([]*benchClient, benchConnections)
	for i := range clients {
		clients[i] = dialBench(b, address)
	}
	b.ResetTimer()
	start := time.Now()
	var group errgroup.Group
	for i, c := range clients {
		request := benchRequest(1, uint64(i))
		group.Go(func() error {
			for n := range (b.N + benchConnections - 1) / benchConnections {
				due := start.Add(time.Duration(n)*every + time.Duration(i)*time.Millisecond)
				<-time.After(time.Until(due))
				if err := c.send(request); err != nil {
					return err
				}
				took[i] = append(took[i], time.Since(due))
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		b.Fatal(err)
	}
	all := slices.Concat(took...)
	slices.Sort(all)
	for name, q := range map[string]float64{"p50-ms": 0.5, "p99-ms": 0.99, "p999-ms": 0.999} {
		b.ReportMetric(all[int(q*float64(len(all)-1))].Seconds()*1000, name)
	}
	b.ReportMetric(float64(len(all))/b.Elapsed().Seconds(), "requests/s")
}
