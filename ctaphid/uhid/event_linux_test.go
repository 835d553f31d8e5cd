package uhid

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"testing"
)

// Offsets and sizes are those of the packed structs in the kernel's
// include/uapi/linux/uhid.h.
func TestAppendCreate2(t *testing.T) {
	b := appendCreate2([]byte{0xaa}, &creation{
		name: "name", phys: "phys", uniq: "uniq", bus: 3, vendor: 0x1209, product: 0xf1d0, version: 0x100, country: 33, descriptor: []byte{6, 0xd0, 0xf1},
	})[1:]
	order := binary.NativeEndian
	for _, tt := range []struct {
		name      string
		got, want any
	}{
		{"length", len(b), 4 + 276 + 3},
		{"type", order.Uint32(b), uint32(11)},
		{"name", string(b[4:132]), "name" + strings.Repeat("\x00", 124)},
		{"phys", string(b[132:196]), "phys" + strings.Repeat("\x00", 60)},
		{"uniq", string(b[196:260]), "uniq" + strings.Repeat("\x00", 60)},
		{"rd_size", order.Uint16(b[260:]), uint16(3)},
		{"bus", order.Uint16(b[262:]), uint16(3)},
		{"vendor", order.Uint32(b[264:]), uint32(0x1209)},
		{"product", order.Uint32(b[268:]), uint32(0xf1d0)},
		{"version", order.Uint32(b[272:]), uint32(0x100)},
		{"country", order.Uint32(b[276:]), uint32(33)},
		{"rd_data", string(b[280:]), "\x06\xd0\xf1"},
	} {
		if tt.got != tt.want {
			t.Errorf("%s is %v, want %v", tt.name, tt.got, tt.want)
		}
	}
	if eventSize != 4376 {
		t.Errorf("struct uhid_event has %d bytes", eventSize)
	}
}

func TestAppendString(t *testing.T) {
	for in, want := range map[string]string{"": "\x00\x00\x00\x00", "abc": "abc\x00", "abcd": "abc\x00", "abcdefgh": "abc\x00"} {
		if got := string(appendString(nil, in, 4)); got != want {
			t.Errorf("%q became %q", in, got)
		}
	}
}

func TestAppendEvents(t *testing.T) {
	order := binary.NativeEndian
	u16 := func(n uint16) string { return string(order.AppendUint16(nil, n)) }
	u32 := func(n uint32) string { return string(order.AppendUint32(nil, n)) }
	for _, tt := range []struct {
		name string
		got  []byte
		want string
	}{
		{"INPUT2", appendInput2(nil, []byte{1, 2, 3}), u32(12) + u16(3) + "\x01\x02\x03"},
		{"GET_REPORT_REPLY", appendGetReportReply(nil, 0x01020304, 5), u32(10) + u32(0x01020304) + u16(5) + u16(0)},
		{"SET_REPORT_REPLY", appendSetReportReply(nil, 0x01020304, 0), u32(14) + u32(0x01020304) + u16(0)},
	} {
		if string(tt.got) != tt.want {
			t.Errorf("%s is %x, want %x", tt.name, tt.got, tt.want)
		}
	}
}

// outputEvent and its kin are what the kernel writes: always a whole struct.
func outputEvent(data []byte, size int, rtype byte) []byte {
	b := binary.NativeEndian.AppendUint32(nil, eventOutput)
	b = append(b, data...)
	b = append(b, make([]byte, dataMax-len(data))...)
	b = binary.NativeEndian.AppendUint16(b, uint16(size))
	return whole(append(b, rtype))
}

func getReportEvent(id uint32, rtype byte) []byte {
	b := binary.NativeEndian.AppendUint32(nil, eventGetReport)
	b = binary.NativeEndian.AppendUint32(b, id)
	return whole(append(b, 0, rtype))
}

func setReportEvent(id uint32, rtype byte, data []byte) []byte {
	b := binary.NativeEndian.AppendUint32(nil, eventSetReport)
	b = binary.NativeEndian.AppendUint32(b, id)
	b = append(b, 0, rtype)
	b = binary.NativeEndian.AppendUint16(b, uint16(len(data)))
	return whole(append(b, data...))
}

func plainEvent(event uint32) []byte { return whole(binary.NativeEndian.AppendUint32(nil, event)) }

func whole(b []byte) []byte { return append(b, make([]byte, eventSize-len(b))...) }

func TestParseEvent(t *testing.T) {
	data := []byte{0, 1, 2, 3}
	for _, tt := range []struct {
		name  string
		event []byte
		want  request
	}{
		{"OUTPUT", outputEvent(data, 4, outputReport), request{event: eventOutput, reportType: outputReport, data: data}},
		{"OUTPUT that claims more than there is", outputEvent(data, 0xffff, outputReport), request{event: eventOutput, reportType: outputReport, data: append(slices.Clone(data), make([]byte, dataMax-4)...)}},
		{"GET_REPORT", getReportEvent(7, featureReport), request{event: eventGetReport, id: 7, reportType: featureReport}},
		{"SET_REPORT", setReportEvent(8, outputReport, data), request{event: eventSetReport, id: 8, reportType: outputReport, data: data}},
		{"START", plainEvent(eventStart), request{event: eventStart}},
		{"unknown", plainEvent(99), request{event: 99}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := parseEvent(tt.event)
			if err != nil || got.event != tt.want.event || got.id != tt.want.id || got.reportType != tt.want.reportType || !bytes.Equal(got.data, tt.want.data) {
				t.Errorf("got %+v, %v; want %+v", got, err, tt.want)
			}
		})
	}
	for name, b := range map[string][]byte{
		"empty": nil, "type cut off": {6, 0, 0},
		"OUTPUT cut off":     outputEvent(data, 4, outputReport)[:4+dataMax+2],
		"GET_REPORT cut off": getReportEvent(7, 0)[:9],
		"SET_REPORT cut off": setReportEvent(7, 0, nil)[:11],
	} {
		if r, err := parseEvent(b); err != errEvent {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
}

func FuzzParseEvent(f *testing.F) {
	f.Add(outputEvent([]byte{0, 1, 2}, 3, outputReport))
	f.Add(getReportEvent(7, featureReport))
	f.Add(setReportEvent(8, outputReport, []byte{1}))
	f.Add(setReportEvent(8, outputReport, []byte{1})[:12])
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := parseEvent(b)
		if err != nil {
			return
		}
		d := newDevice(nil, 64, 64)
		report, reply := d.take(r)
		if len(report) > 64 || len(reply) > len(d.reply) {
			t.Fatalf("report of %d bytes, reply of %d", len(report), len(reply))
		}
		if wants := r.event == eventGetReport || r.event == eventSetReport; wants != (reply != nil) {
			t.Fatalf("event %d, reply %x", r.event, reply)
		}
	})
}
