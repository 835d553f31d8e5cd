package cbor

import "encoding/binary"

// Major types, the upper three bits of an initial byte (RFC 8949 section 3.1).
const (
	majorUint     = 0
	majorNegative = 1
	majorBytes    = 2
	majorText     = 3
	majorArray    = 4
	majorMap      = 5
	majorTag      = 6
	majorSimple   = 7 // floating-point numbers too
)

// Additional information, the lower five bits of an initial byte: smaller values are the argument itself.
const (
	info8          = 24
	info16         = 25
	info32         = 26
	info64         = 27
	infoIndefinite = 31
)

// Simple values (RFC 8949 section 3.3).
const (
	simpleFalse     = 20
	simpleTrue      = 21
	simpleNull      = 22
	simpleUndefined = 23
)

// negativeBit makes the initial byte of a positive integer that of a negative one.
const negativeBit = majorNegative << 5

// breakCode ends an item of indefinite length.
const breakCode = 0xff

// readHead reads the head at off of data that a scanner has found to be well-formed. Next is where the head ends.
func readHead(data []byte, off int) (major, info byte, arg uint64, next int) {
	initial := data[off]
	major, info = initial>>5, initial&31
	off++
	switch info {
	case info8:
		return major, info, uint64(data[off]), off + 1
	case info16:
		return major, info, uint64(binary.BigEndian.Uint16(data[off:])), off + 2
	case info32:
		return major, info, uint64(binary.BigEndian.Uint32(data[off:])), off + 4
	case info64:
		return major, info, binary.BigEndian.Uint64(data[off:]), off + 8
	case infoIndefinite:
		return major, info, 0, off
	}
	return major, info, uint64(info), off
}

// skip returns where the item at off of well-formed data ends.
func skip(data []byte, off int) int {
	major, info, arg, off := readHead(data, off)
	for major == majorTag {
		major, info, arg, off = readHead(data, off)
	}
	switch {
	case major < majorBytes || major == majorSimple:
		return off
	case info == infoIndefinite:
		for data[off] != breakCode {
			off = skip(data, off)
		}
		return off + 1
	case major <= majorText:
		return off + int(arg)
	case major == majorMap:
		arg *= 2
	}
	for range arg {
		off = skip(data, off)
	}
	return off
}
