package main

import (
	"bytes"
	"context"
	"iter"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofido/fido"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/ctaphid/hid"
	"github.com/gofido/fido/nfc"
	"github.com/gofido/fido/nfc/pcsc"
)

// A card that is slow to answer when it is held to the reader again gets its reset too
// late. It says so, and nothing is erased.
func TestResetAtReaderTooLate(t *testing.T) {
	ownConfig(t)
	synctest.Test(t, func(t *testing.T) {
		key := passkeyKey(t, virtual.Config{Transport: ctap2.TransportNFC, ResetWindow: 3 * time.Second})
		const device = "pcsc:Pad"
		at := fido.KeyInfo{Device: device, Reader: &pcsc.Reader{Name: "Pad"}}
		events := make(chan fido.Event, 10)
		events <- fido.Event{Action: fido.Added, Key: at}
		slow := time.Duration(0)
		s := system{
			list: func() ([]hid.Info, error) { return nil, nil },
			watch: func(ctx context.Context) iter.Seq2[fido.Event, error] {
				return func(yield func(fido.Event, error) bool) {
					for {
						select {
						case e := <-events:
							if !yield(e, nil) {
								return
							}
						case <-ctx.Done():
							return
						}
					}
				}
			},
			open: func(ctx context.Context, _ string, o *fido.Options) (*fido.Key, error) {
				card := nfc.Loopback(key) // from when on it has power
				time.Sleep(slow)
				return fido.OpenCard(ctx, card, o)
			},
		}
		person := &prompted{steps: []step{
			{"Take the key away from the reader now.", func() { events <- fido.Event{Action: fido.Removed, Key: at} }},
			{"Hold it to the reader again now", func() {
				slow = 4 * time.Second
				events <- fido.Event{Action: fido.Added, Key: at}
			}},
		}}
		var out bytes.Buffer
		code := s.run(t.Context(), []string{"reset", "-d", device}, strings.NewReader("erase\n"), &out, person)
		const want = "fidokey: the key says that it is too late, 4.0s after it was put back; nothing was erased. " +
			"Run fidokey reset again, and hold the key still at the middle of the reader until it is done\n"
		if code != exitTimeout || len(person.steps) > 0 || !strings.HasSuffix(person.String(), want) || out.Len() > 0 {
			t.Errorf("exit code %d: %s%s", code, &out, person)
		}
		expectNotErased(t, key)
	})
}

// A step is what a person is told and then does.
type step struct {
	told string
	do   func()
}

// prompted does what it is told, in order.
type prompted struct {
	bytes.Buffer
	steps []step
}

func (p *prompted) Write(b []byte) (int, error) {
	if len(p.steps) > 0 && strings.Contains(string(b), p.steps[0].told) {
		do := p.steps[0].do
		p.steps = p.steps[1:]
		do()
	}
	return p.Buffer.Write(b)
}
