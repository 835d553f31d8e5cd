package ctaphid_test

import (
	"bytes"
	"encoding/hex"
	"testing"

	"github.com/gofido/fido/ctaphid"
)

func TestAssemblerEvents(t *testing.T) {
	const (
		start = "00220002 90 0064" // 100 bytes
		next  = "00220002 00"
	)
	for _, tt := range []struct {
		name   string
		frames []string
		events []ctaphid.Event
	}{
		{"one packet", []string{"0022000290000104"}, []ctaphid.Event{ctaphid.Complete}},
		{"no data", []string{"00220002880000"}, []ctaphid.Event{ctaphid.Complete}},
		{"two packets", []string{start, next}, []ctaphid.Event{ctaphid.Incomplete, ctaphid.Complete}},
		{"continuation while idle", []string{next}, []ctaphid.Event{ctaphid.Spurious}},
		{"continuation after the end", []string{start, next, "00220002 01"}, []ctaphid.Event{ctaphid.Incomplete, ctaphid.Complete, ctaphid.Spurious}},
		{"another channel in between", []string{start, "00330003 90 0001", "00330003 00", next},
			[]ctaphid.Event{ctaphid.Incomplete, ctaphid.Foreign, ctaphid.Foreign, ctaphid.Complete}},
		{"first sequence number wrong", []string{start, "00220002 01", next}, []ctaphid.Event{ctaphid.Incomplete, ctaphid.BadSequence, ctaphid.Spurious}},
		{"sequence number again", []string{"00220002 90 0100", next, next}, []ctaphid.Event{ctaphid.Incomplete, ctaphid.Incomplete, ctaphid.BadSequence}},
		{"init packet in between leaves the message", []string{start, "00220002 86 0008", next},
			[]ctaphid.Event{ctaphid.Incomplete, ctaphid.Interrupted, ctaphid.Complete}},
		{"longest", []string{"00220002 90 1db9"}, []ctaphid.Event{ctaphid.Incomplete}},
		{"too long", []string{"00220002 90 1dba", next, "0022000290000104"}, []ctaphid.Event{ctaphid.TooLong, ctaphid.Spurious, ctaphid.Complete}},
		{"channel 0 is a channel like others", []string{"00000000 90 0001"}, []ctaphid.Event{ctaphid.Complete}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var a ctaphid.Assembler
			for i, frame := range tt.frames {
				report := pad(t, string(bytes.ReplaceAll([]byte(frame), []byte(" "), nil)))
				if event := a.Push(report); event != tt.events[i] {
					t.Errorf("report %d: %v, want %v", i, event, tt.events[i])
				}
			}
		})
	}
}

func TestAssemblerBoundsReports(t *testing.T) {
	var a ctaphid.Assembler
	for _, size := range []int{0, 1, 7, 65, 1024} {
		if event := a.Push(make([]byte, size)); event != ctaphid.Malformed {
			t.Errorf("%d bytes: %v", size, event)
		}
	}
}

func TestAssemblerLimitAndMemory(t *testing.T) {
	first := pad(t, "0022000290000a")
	a := ctaphid.Assembler{Limit: 9}
	if event := a.Push(first); event != ctaphid.TooLong {
		t.Errorf("10 bytes of 9: %v", event)
	}
	a.Limit = 10
	room := make([]byte, 3, 13)
	a.Reset(room)
	if event := a.Push(first); event != ctaphid.Complete || &a.Buffer()[0] != &room[0] {
		t.Errorf("%v, or the caller's memory is not used", event)
	}
	a.Reset(room[:4])
	if event := a.Push(first); event != ctaphid.Complete || &a.Buffer()[0] == &room[0] || len(a.Buffer()) != 14 {
		t.Errorf("%v, or memory is used that is not there", event)
	}
}

// A naiveAssembler keeps all reports and looks at the whole of them each time;
// it is what Assembler is compared with.
type naiveAssembler struct{ kept [][]byte }

func (n *naiveAssembler) push(r []byte) (ctaphid.Event, *ctaphid.Message) {
	if len(r) < 8 || len(r) > 64 {
		return ctaphid.Malformed, nil
	}
	init := r[4] >= 0x80
	if len(n.kept) == 0 {
		if !init {
			return ctaphid.Spurious, nil
		}
		if int(r[5])*256+int(r[6]) > len(r)-7+128*(len(r)-5) {
			return ctaphid.TooLong, nil
		}
	} else {
		switch {
		case !bytes.Equal(n.kept[0][:4], r[:4]):
			return ctaphid.Foreign, nil
		case init:
			return ctaphid.Interrupted, nil
		case int(r[4]) != len(n.kept)-1:
			n.kept = nil
			return ctaphid.BadSequence, nil
		}
	}
	n.kept = append(n.kept, bytes.Clone(r))
	first := n.kept[0]
	total := int(first[5])*256 + int(first[6])
	data := bytes.Clone(first[7:])
	for _, k := range n.kept[1:] {
		data = append(data, k[5:]...)
	}
	if len(data) < total {
		return ctaphid.Incomplete, nil
	}
	n.kept = nil
	return ctaphid.Complete, &ctaphid.Message{
		CID:     ctaphid.CID(uint32(first[0])<<24 | uint32(first[1])<<16 | uint32(first[2])<<8 | uint32(first[3])),
		Command: ctaphid.Command(first[4] - 0x80),
		Data:    data[:total],
	}
}

// FuzzAssembler pushes arbitrary reports, each a length byte and as many
// bytes, and compares with the naive model.
func FuzzAssembler(f *testing.F) {
	var all []byte
	for _, tt := range frames {
		report := pad(f, tt.frame)
		f.Add(append([]byte{64}, report...))
		all = append(append(all, 64), report...)
	}
	f.Add(all)
	var ping []byte
	for _, frame := range pingReports {
		report, _ := hex.DecodeString(frame)
		ping = append(append(ping, 64), report...)
	}
	f.Add(ping)
	f.Add(append(bytes.Clone(ping[:65]), ping[130:]...)) // one lost
	f.Add(append(bytes.Clone(ping[:65]), ping...))       // begins again
	f.Fuzz(func(t *testing.T, b []byte) {
		var (
			a     ctaphid.Assembler
			model naiveAssembler
		)
		for len(b) > 0 {
			n := min(int(b[0]), len(b)-1)
			report := b[1 : 1+n]
			b = b[1+n:]
			_, assembling := a.Assembling()
			if assembling != (len(model.kept) > 0) {
				t.Fatalf("assembling is %v", assembling)
			}
			event := a.Push(report)
			want, m := model.push(report)
			if event != want {
				t.Fatalf("report %x: %v, want %v", report, event, want)
			}
			if m == nil {
				continue
			}
			if got := a.Message(); got.CID != m.CID || got.Command != m.Command || !bytes.Equal(got.Data, m.Data) {
				t.Fatalf("message is %v %v %x, want %v %v %x", got.CID, got.Command, got.Data, m.CID, m.Command, m.Data)
			}
		}
	})
}
