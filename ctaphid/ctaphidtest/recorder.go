package ctaphidtest

import (
	"bytes"
	"context"
	"sync"
	"time"

	"github.com/gofido/fido/ctaphid"
)

// A Recorder passes reports between a host and a device and writes them down,
// but for those that the host drops unread.
type Recorder struct {
	ctaphid.Device
	mu         sync.Mutex
	transcript Transcript
	last       time.Time
}

// Record returns dev with a recorder in between.
func Record(dev ctaphid.Device) *Recorder {
	r := &Recorder{Device: dev, last: time.Now()}
	r.transcript.In, r.transcript.Out = dev.ReportSizes()
	return r
}

// Transcript returns what was recorded so far. Pauses of a millisecond and
// more before a report of the device become steps; the nonces of INIT are
// replaced by $nonce, so that another host can play the transcript.
func (r *Recorder) Transcript() *Transcript {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.transcript
	t.Steps = append([]Step(nil), t.Steps...)
	return &t
}

// BeginCall passes on to the device that a call begins.
func (r *Recorder) BeginCall(ctx context.Context) error { return beginCall(ctx, r.Device) }

// EndCall passes on to the device that a call has ended.
func (r *Recorder) EndCall() { endCall(r.Device) }

// ReadReport reads from the device.
func (r *Recorder) ReadReport(p []byte) (int, error) {
	n, err := r.Device.ReadReport(p)
	if err == nil {
		r.add(Received, p[:n])
	}
	return n, err
}

// WriteReport writes to the device.
func (r *Recorder) WriteReport(p []byte) error {
	r.add(Sent, p)
	return r.Device.WriteReport(p)
}

func (r *Recorder) add(kind Kind, report []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	if d := now.Sub(r.last).Truncate(time.Millisecond); d > 0 && kind == Received {
		r.transcript.Steps = append(r.transcript.Steps, Step{Kind: Pause, Pause: d, Nonce: -1})
	}
	r.last = now
	step := Step{Kind: kind, Report: bytes.Clone(report), Nonce: -1}
	if p, err := ctaphid.ParsePacket(report); err == nil && p.Init && p.Command == ctaphid.CommandInit &&
		p.Length >= ctaphid.NonceSize && len(p.Data) >= ctaphid.NonceSize {
		step.Nonce = len(report) - len(p.Data)
		clear(step.Report[step.Nonce : step.Nonce+ctaphid.NonceSize])
	}
	r.transcript.Steps = append(r.transcript.Steps, step)
}
