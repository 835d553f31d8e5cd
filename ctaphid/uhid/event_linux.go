package uhid

import (
	"encoding/binary"
	"errors"
)

// Events of the kernel's linux/uhid.h, in the machine's byte order. struct
// uhid_event is packed: the type and a union of what the types have. Reads
// return all of it; writes may end where the event does.
const (
	eventDestroy        = 1
	eventStart          = 2
	eventStop           = 3
	eventOpen           = 4
	eventClose          = 5
	eventOutput         = 6
	eventGetReport      = 9
	eventGetReportReply = 10
	eventCreate2        = 11
	eventInput2         = 12
	eventSetReport      = 13
	eventSetReportReply = 14
)

const (
	dataMax = 4096 // of a report and of a report descriptor

	nameSize = 128
	physSize = 64
	uniqSize = 64

	createSize = nameSize + physSize + uniqSize + 2 + 2 + 4*4 + dataMax
	eventSize  = 4 + createSize // the largest of the union
)

// Report types of GET_REPORT, SET_REPORT and OUTPUT.
const (
	featureReport = 0
	outputReport  = 1
	inputReport   = 2
)

// A request is an event of the kernel's: what a host program sent or asks for,
// or that it opened or closed the device.
type request struct {
	event      uint32
	id         uint32 // GET_REPORT, SET_REPORT: for the reply
	reportType byte   // GET_REPORT, SET_REPORT, OUTPUT
	data       []byte // SET_REPORT, OUTPUT: the report, as a rule with its ID in front
}

var errEvent = errors.New("uhid: the kernel's event is cut off")

// parseEvent reads an event of the kernel's. Events without content are
// request{event: …}.
func parseEvent(b []byte) (request, error) {
	if len(b) < 4 {
		return request{}, errEvent
	}
	order := binary.NativeEndian
	r := request{event: order.Uint32(b)}
	b = b[4:]
	switch r.event {
	case eventOutput: // data[4096], size u16, rtype u8
		if len(b) < dataMax+3 {
			return request{}, errEvent
		}
		r.data = b[:min(dataMax, int(order.Uint16(b[dataMax:])))]
		r.reportType = b[dataMax+2]
	case eventGetReport: // id u32, rnum u8, rtype u8
		if len(b) < 6 {
			return request{}, errEvent
		}
		r.id, r.reportType = order.Uint32(b), b[5]
	case eventSetReport: // id u32, rnum u8, rtype u8, size u16, data[4096]
		if len(b) < 8 {
			return request{}, errEvent
		}
		r.id, r.reportType = order.Uint32(b), b[5]
		r.data = b[8:][:min(len(b)-8, dataMax, int(order.Uint16(b[6:])))]
	}
	return r, nil
}

// A creation is the content of CREATE2.
type creation struct {
	name, phys, uniq                  string
	bus                               uint16
	vendor, product, version, country uint32
	descriptor                        []byte
}

func appendCreate2(dst []byte, c *creation) []byte {
	order := binary.NativeEndian
	dst = order.AppendUint32(dst, eventCreate2)
	dst = appendString(dst, c.name, nameSize)
	dst = appendString(dst, c.phys, physSize)
	dst = appendString(dst, c.uniq, uniqSize)
	dst = order.AppendUint16(dst, uint16(len(c.descriptor)))
	dst = order.AppendUint16(dst, c.bus)
	dst = order.AppendUint32(dst, c.vendor)
	dst = order.AppendUint32(dst, c.product)
	dst = order.AppendUint32(dst, c.version)
	dst = order.AppendUint32(dst, c.country)
	return append(dst, c.descriptor...)
}

// appendString appends s and NULs up to size bytes, at least one.
func appendString(dst []byte, s string, size int) []byte {
	dst = append(dst, s[:min(len(s), size-1)]...)
	return append(dst, make([]byte, max(1, size-len(s)))...)
}

// appendInput2 appends an INPUT2 event: size u16, data.
func appendInput2(dst, report []byte) []byte {
	dst = binary.NativeEndian.AppendUint32(dst, eventInput2)
	dst = binary.NativeEndian.AppendUint16(dst, uint16(len(report)))
	return append(dst, report...)
}

// appendGetReportReply appends a GET_REPORT_REPLY without data: id u32, err
// u16, size u16.
func appendGetReportReply(dst []byte, id uint32, errno uint16) []byte {
	dst = binary.NativeEndian.AppendUint32(dst, eventGetReportReply)
	dst = binary.NativeEndian.AppendUint32(dst, id)
	dst = binary.NativeEndian.AppendUint16(dst, errno)
	return binary.NativeEndian.AppendUint16(dst, 0)
}

// appendSetReportReply appends a SET_REPORT_REPLY: id u32, err u16.
func appendSetReportReply(dst []byte, id uint32, errno uint16) []byte {
	dst = binary.NativeEndian.AppendUint32(dst, eventSetReportReply)
	dst = binary.NativeEndian.AppendUint32(dst, id)
	return binary.NativeEndian.AppendUint16(dst, errno)
}
