package fuzz

import "math/bits"

// An input is what a fuzzer gives, read from the front. Behind its end
// everything is zero, so that every input means something.
type input []byte

func (in *input) byte() byte {
	if len(*in) == 0 {
		return 0
	}
	b := (*in)[0]
	*in = (*in)[1:]
	return b
}

// number reads two bytes.
func (in *input) number() int { return int(in.byte())<<8 | int(in.byte()) }

// take returns the next n bytes, or as many as there are.
func (in *input) take(n int) []byte {
	n = min(n, len(*in))
	b := (*in)[:n:n]
	*in = (*in)[n:]
	return b
}

// blob reads a length of one byte and so many bytes.
func (in *input) blob() []byte { return in.take(int(in.byte())) }

// A plan says what happens to which events of a row, for instance to the
// reports that go to the host. It is a list of entries of two bytes, and of as
// many more as the operation takes:
//
//	how many events pass as they are
//	what happens to the next
//
// After the last entry all events pass.
type plan struct {
	input
	waits bool // passing has been read
	pass  int
}

// next returns what happens to the next event; ok is false if it passes.
func (p *plan) next() (operation byte, ok bool) {
	if !p.waits {
		if len(p.input) == 0 {
			return 0, false
		}
		p.waits, p.pass = true, int(p.byte())
	}
	if p.pass > 0 {
		p.pass--
		return 0, false
	}
	p.waits = false
	return p.byte(), true
}

// end makes all further events pass.
func (p *plan) end() { *p = plan{} }

// choose returns the element of a table that a byte of the input means. A byte
// means the same when the table grows up to the next power of two.
func choose[T any](table []T, b byte) (T, bool) {
	mask := 1<<max(5, bits.Len(uint(len(table)-1))) - 1
	if i := int(b) & mask; i < len(table) {
		return table[i], true
	}
	var none T
	return none, false
}
