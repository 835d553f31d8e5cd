package ctaphid_test

import (
	"bytes"
	"errors"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofido/fido/ctaphid"
)

func TestPipeCarriesReportsInOrder(t *testing.T) {
	host, key := ctaphid.Pipe(32, 64)
	if in, out := host.ReportSizes(); in != 64 || out != 32 {
		t.Errorf("the host's reports have %d bytes in and %d out", in, out)
	}
	if in, out := key.ReportSizes(); in != 32 || out != 64 {
		t.Errorf("the key's reports have %d bytes in and %d out", in, out)
	}
	p := make([]byte, 64)
	for round := range 5 {
		for i := range 200 {
			if err := host.WriteReport(bytes.Repeat([]byte{byte(i)}, 32)); err != nil {
				t.Fatal(err)
			}
		}
		for i := range 200 {
			if n, err := key.ReadReport(p); err != nil || n != 32 || p[31] != byte(i) {
				t.Fatalf("round %d, report %d: %d bytes, %x, %v", round, i, n, p[31], err)
			}
		}
	}
	for _, size := range []int{0, 31, 33, 64} {
		if err := host.WriteReport(make([]byte, size)); !errors.Is(err, ctaphid.ErrReportSize) {
			t.Errorf("a report of %d bytes: %v", size, err)
		}
	}
}

func TestPipeDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host, key := ctaphid.Pipe(64, 64)
		p := make([]byte, 64)
		expect := func(after time.Duration, want error) {
			t.Helper()
			start := time.Now()
			if _, err := host.ReadReport(p); !errors.Is(err, want) {
				t.Errorf("reading gives %v, want %v", err, want)
			}
			checkElapsed(t, start, after)
		}
		host.SetReadDeadline(time.Now().Add(time.Second))
		expect(time.Second, os.ErrDeadlineExceeded)
		expect(0, os.ErrDeadlineExceeded)

		// A passed deadline counts for more than a queued report.
		key.WriteReport(make([]byte, 64))
		expect(0, os.ErrDeadlineExceeded)
		host.SetReadDeadline(time.Time{})
		expect(0, nil)

		// Changes while a read waits: later, sooner, at once.
		host.SetReadDeadline(time.Now().Add(time.Second))
		time.AfterFunc(500*time.Millisecond, func() { host.SetReadDeadline(time.Now().Add(2 * time.Second)) })
		expect(2500*time.Millisecond, os.ErrDeadlineExceeded)
		host.SetReadDeadline(time.Now().Add(time.Hour))
		time.AfterFunc(500*time.Millisecond, func() { host.SetReadDeadline(time.Now().Add(time.Second)) })
		expect(1500*time.Millisecond, os.ErrDeadlineExceeded)
		host.SetReadDeadline(time.Time{})
		time.AfterFunc(time.Minute, func() { host.SetReadDeadline(time.Unix(1, 0)) })
		expect(time.Minute, os.ErrDeadlineExceeded)

		// A report ends the wait.
		host.SetReadDeadline(time.Now().Add(time.Second))
		time.AfterFunc(300*time.Millisecond, func() { key.WriteReport(make([]byte, 64)) })
		expect(300*time.Millisecond, nil)
	})
}

func TestPipeClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host, key := ctaphid.Pipe(64, 64)
		p := make([]byte, 64)
		key.WriteReport(p)
		key.Close()
		if err := host.WriteReport(p); !errors.Is(err, ctaphid.ErrGone) {
			t.Errorf("writing to a closed end: %v", err)
		}
		if _, err := host.ReadReport(p); err != nil {
			t.Errorf("reading what was queued: %v", err)
		}
		if _, err := host.ReadReport(p); !errors.Is(err, ctaphid.ErrGone) {
			t.Errorf("reading from a closed end: %v", err)
		}
		for name, err := range map[string]error{
			"write":    key.WriteReport(p),
			"deadline": key.SetReadDeadline(time.Time{}),
		} {
			if !errors.Is(err, os.ErrClosed) {
				t.Errorf("%s after Close: %v", name, err)
			}
		}
		if err := key.Close(); err != nil {
			t.Errorf("the second Close: %v", err)
		}

		host, key = ctaphid.Pipe(64, 64)
		time.AfterFunc(time.Second, func() { host.Close() })
		if _, err := host.ReadReport(p); !errors.Is(err, os.ErrClosed) {
			t.Errorf("a read that Close ends: %v", err)
		}
		if _, err := key.ReadReport(p); !errors.Is(err, ctaphid.ErrGone) {
			t.Errorf("a read from the other end: %v", err)
		}
	})
}

func TestPipeFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := make([]byte, 64)
		fill := func() (host, key ctaphid.Device) {
			host, key = ctaphid.Pipe(64, 64)
			start := time.Now()
			for range 256 {
				host.WriteReport(p)
			}
			checkElapsed(t, start, 0)
			return host, key
		}

		host, key := fill()
		start := time.Now()
		if err := host.WriteReport(p); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("a write that finds no room: %v", err)
		}
		checkElapsed(t, start, 5*time.Second)

		start = time.Now()
		time.AfterFunc(time.Second, func() { key.ReadReport(p) })
		if err := host.WriteReport(p); err != nil {
			t.Errorf("a write that waits for room: %v", err)
		}
		checkElapsed(t, start, time.Second)

		time.AfterFunc(time.Second, func() { key.Close() })
		if err := host.WriteReport(p); !errors.Is(err, ctaphid.ErrGone) {
			t.Errorf("a write while the other end closes: %v", err)
		}
		host, _ = fill()
		time.AfterFunc(time.Second, func() { host.Close() })
		if err := host.WriteReport(p); !errors.Is(err, os.ErrClosed) {
			t.Errorf("a write while its end closes: %v", err)
		}
	})
}

func TestPipeSizes(t *testing.T) {
	for _, size := range []int{0, 7, 65} {
		func() {
			defer func() {
				if recover() != ctaphid.ErrReportSize {
					t.Errorf("reports of %d bytes are accepted", size)
				}
			}()
			ctaphid.Pipe(64, size)
		}()
	}
}
