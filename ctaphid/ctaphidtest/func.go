package ctaphidtest

import (
	"sync"

	"github.com/gofido/fido/ctaphid"
)

// A Func is a device that answers whole messages with a function. The fields
// may be changed before the device is used.
type Func struct {
	// Answer is called with every message of the host but INIT, in the
	// goroutine that writes its last report. The data is Answer's to keep. It
	// calls reply for each message that the device sends, at once or later and
	// from any goroutine; one without a channel is sent on m's.
	Answer func(m ctaphid.Message, reply func(ctaphid.Message))

	// Init makes the answer to INIT. By default a broadcast gets the next of
	// the channels 00220002, 00220003, …, another channel itself, and the
	// device is version 5.2.1 with WINK and CBOR.
	Init func(m ctaphid.Message, reply func(ctaphid.Message))

	// In and Out are the report sizes, by default 64.
	In, Out int

	// Queue is how many reports wait for the host at most, by default any
	// number. When there are as many, newer ones are lost, as in the kernel,
	// which keeps 64 for each program.
	Queue int

	*inbox
	mu       sync.Mutex
	asm      ctaphid.Assembler
	channels uint32
}

// NewFunc returns a device that answers messages with answer.
func NewFunc(answer func(m ctaphid.Message, reply func(ctaphid.Message))) *Func {
	f := &Func{Answer: answer, In: ctaphid.MaxReportSize, Out: ctaphid.MaxReportSize, inbox: newInbox()}
	f.Init = f.init
	return f
}

func (f *Func) init(m ctaphid.Message, reply func(ctaphid.Message)) {
	if len(m.Data) != ctaphid.NonceSize {
		reply(ctaphid.Message{Command: ctaphid.CommandError, Data: []byte{byte(ctaphid.ErrInvalidLen)}})
		return
	}
	info := ctaphid.InitInfo{
		Nonce:           [ctaphid.NonceSize]byte(m.Data),
		CID:             m.CID,
		ProtocolVersion: 2,
		Major:           5, Minor: 2, Build: 1,
		Capabilities: ctaphid.CapabilityWink | ctaphid.CapabilityCBOR,
	}
	if m.CID == ctaphid.BroadcastCID {
		f.mu.Lock()
		info.CID = ctaphid.CID(0x00220002 + f.channels)
		f.channels++
		f.mu.Unlock()
	}
	reply(ctaphid.Message{Command: ctaphid.CommandInit, Data: info.Append(nil)})
}

// WriteReport takes a report of the host and answers the message that it ends.
func (f *Func) WriteReport(p []byte) error {
	if err := f.state(); err != nil {
		return err
	}
	m, ok := f.assemble(p)
	if !ok {
		return nil
	}
	reply := func(r ctaphid.Message) {
		if r.CID == 0 {
			r.CID = m.CID
		}
		f.Send(r)
	}
	if m.Command == ctaphid.CommandInit {
		f.Init(m, reply)
	} else {
		f.Answer(m, reply)
	}
	return nil
}

func (f *Func) assemble(p []byte) (ctaphid.Message, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	event := f.asm.Push(p)
	if event == ctaphid.Interrupted {
		f.asm.Reset(nil)
		event = f.asm.Push(p)
	}
	if event != ctaphid.Complete {
		return ctaphid.Message{}, false
	}
	m := f.asm.Message()
	f.asm.Reset(nil) // the memory is the answer's now
	return m, true
}

// Send sends a message to the host out of turn. It panics if the message is
// too long.
func (f *Func) Send(m ctaphid.Message) {
	for _, report := range Reports(f.In, m) {
		f.SendReport(report)
	}
}

// SendReport sends the host a report of any length. It is kept.
func (f *Func) SendReport(report []byte) {
	f.change(func() {
		if f.Queue == 0 || len(f.reports) < f.Queue {
			f.reports = append(f.reports, report)
		}
	})
}

// Unplug makes the device be gone, once the host has read what was sent.
func (f *Func) Unplug() { f.cut() }

// ReportSizes returns In and Out.
func (f *Func) ReportSizes() (in, out int) { return f.In, f.Out }

// Close closes the device.
func (f *Func) Close() error {
	f.close()
	return nil
}

// Reports returns the reports of size bytes that carry m. It panics if there
// are none.
func Reports(size int, m ctaphid.Message) [][]byte {
	n, err := ctaphid.PacketCount(size, len(m.Data))
	if err != nil {
		panic(err)
	}
	reports := make([][]byte, n)
	for i := range reports {
		reports[i] = ctaphid.AppendPacket(nil, size, m, i)
	}
	return reports
}
