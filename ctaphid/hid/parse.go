package hid

import "encoding/binary"

// Items of a report descriptor: the upper six bits of the prefix, tag and
// type (HID 1.11 sections 6.2.2.4 to 6.2.2.8).
const (
	itemInput         = 0x80
	itemOutput        = 0x90
	itemCollection    = 0xa0
	itemEndCollection = 0xc0

	itemUsagePage   = 0x04
	itemReportSize  = 0x74
	itemReportID    = 0x84
	itemReportCount = 0x94
	itemPush        = 0xa4
	itemPop         = 0xb4

	itemUsage = 0x08

	longItem = 0xfe
)

const (
	maxGlobals    = 16      // pushed at a time; the Linux kernel stops at 4
	maxReportBits = 1 << 20 // more is not a report any more; keeps sums from overflowing
	typeMask      = 0x0c    // of a prefix
	typeMain      = 0x00    // main items end the validity of local ones
	noCollection  = -1      // depth when no FIDO collection is open
)

// globals is the state that lasts from item to item.
type globals struct {
	page        uint32
	reportSize  uint32 // bits
	reportCount uint32
	reportID    byte
}

// report sums up the fields of one direction. Fields with another ID than the
// first belong to other reports.
type report struct {
	seen bool
	id   byte
	bits uint64
}

func (r *report) add(g *globals) bool {
	bits := uint64(g.reportSize) * uint64(g.reportCount)
	if bits > maxReportBits {
		return false
	}
	if !r.seen {
		r.seen, r.id = true, g.reportID
	}
	if r.id == g.reportID {
		r.bits += bits
	}
	return r.bits <= maxReportBits
}

type parser struct {
	globals
	stack  [maxGlobals]globals
	pushed int

	// The usages since the last main item: is one of them FIDOUsage? A short
	// one takes the usage page that is in force at the next main item.
	longFIDO, shortFIDO bool

	depth   int // of open collections
	inFIDO  int // the depth at which the FIDO collection was opened, or noCollection
	in, out report

	found Descriptor
}

// ParseDescriptor reads a report descriptor. An error is a
// [*DescriptorError]; the Descriptor then says what the part before the error
// says. A device that is not a FIDO key is not an error here, and neither is an
// unsuitable size: see [Descriptor.Check].
//
// The collection is found at any depth and under any type, and sizes are those
// of the report within it. Long items and items of no concern are skipped.
func ParseDescriptor(b []byte) (Descriptor, error) {
	if len(b) > MaxDescriptorSize {
		return Descriptor{}, &DescriptorError{MaxDescriptorSize, "it is longer than 4096 bytes"}
	}
	p := parser{inFIDO: noCollection}
	for i := 0; i < len(b); {
		n, problem := p.item(b[i:])
		if problem != "" {
			return p.found, &DescriptorError{i, problem}
		}
		i += n
	}
	if p.depth != 0 {
		return p.found, &DescriptorError{len(b), "a collection is not ended"}
	}
	return p.found, nil
}

// item takes the item at the beginning of b and returns its length, or what is
// wrong with it.
func (p *parser) item(b []byte) (length int, problem string) {
	if b[0] == longItem { // prefix, length of data, tag, data
		if len(b) < 3 || len(b) < 3+int(b[1]) {
			return 0, "long item is cut off"
		}
		return 3 + int(b[1]), ""
	}
	size := int(b[0] & 3)
	if size == 3 {
		size = 4
	}
	if len(b) < 1+size {
		return 0, "item is cut off"
	}
	var data [4]byte
	copy(data[:], b[1:1+size])
	value := binary.LittleEndian.Uint32(data[:])

	item := b[0] &^ 3
	switch item {
	case itemUsagePage:
		p.page = value & 0xffff
	case itemReportSize:
		p.reportSize = value
	case itemReportCount:
		p.reportCount = value
	case itemReportID:
		if value == 0 || value > 255 {
			return 0, "report ID is not between 1 and 255"
		}
		p.reportID = byte(value)
	case itemPush:
		if p.pushed == maxGlobals {
			return 0, "too many items are pushed"
		}
		p.stack[p.pushed] = p.globals
		p.pushed++
	case itemPop:
		if p.pushed == 0 {
			return 0, "pop without push"
		}
		p.pushed--
		p.globals = p.stack[p.pushed]
	case itemUsage:
		if size == 4 {
			p.longFIDO = p.longFIDO || value == FIDOUsage
		} else {
			p.shortFIDO = p.shortFIDO || value == FIDOUsage&0xffff
		}
	case itemCollection:
		p.open()
	case itemEndCollection:
		if p.depth == 0 {
			return 0, "end of a collection that was not begun"
		}
		p.close()
	case itemInput, itemOutput:
		r := &p.in
		if item == itemOutput {
			r = &p.out
		}
		if p.inFIDO != noCollection && !r.add(&p.globals) {
			return 0, "report is too long"
		}
	}
	if item&typeMask == typeMain {
		p.longFIDO, p.shortFIDO = false, false
	}
	return 1 + size, ""
}

func (p *parser) open() {
	if !p.found.FIDO && (p.longFIDO || p.shortFIDO && p.page == FIDOUsage>>16) {
		p.found.FIDO = true
		p.inFIDO = p.depth
	}
	p.depth++
}

func (p *parser) close() {
	p.depth--
	if p.depth != p.inFIDO {
		return
	}
	p.inFIDO = noCollection
	p.found.In, p.found.InID = int((p.in.bits+7)/8), p.in.id
	p.found.Out, p.found.OutID = int((p.out.bits+7)/8), p.out.id
}
