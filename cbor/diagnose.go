package cbor

import (
	"encoding/hex"
	"math"
	"math/big"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// Diagnose returns data in diagnostic notation (RFC 8949 section 8), on one line, for people to read. See
// [AppendDiagnostic].
func Diagnose(data []byte) (string, error) {
	b, err := AppendDiagnostic(nil, data)
	return string(b), err
}

// AppendDiagnostic appends data in diagnostic notation (RFC 8949 section 8) to dst. The item need not be canonical,
// and what is not in its shortest form shows: indefinite lengths as "_", longer integers and lengths by the encoding
// indicators "_0" to "_3" of section 8.1. Items that follow the first are separated by commas (RFC 8742 section 4.2).
//
// The text is ASCII: all other characters are written as \u escapes. A byte of a text string that is not UTF-8 is
// written as \xhh, for which the notation itself has no form. No byte of data becomes more than 13 bytes of text.
//
// If data is malformed or goes beyond a hard bound, the error is a *SyntaxError and dst is returned as it was.
func AppendDiagnostic(dst, data []byte) ([]byte, error) {
	text := dst
	for off := 0; off == 0 || off < len(data); {
		s := scanner{data: data, off: off, quiet: true}
		if !s.item(0) {
			return dst, s.err()
		}
		if off > 0 {
			text = append(text, ", "...)
		}
		text, off = appendItem(text, data, off)
	}
	return text, nil
}

// appendItem appends the well-formed item at off and returns where it ends.
func appendItem(dst, data []byte, off int) ([]byte, int) {
	tags := 0
	major, info, arg, next := readHead(data, off)
	for major == majorTag {
		dst = strconv.AppendUint(dst, arg, 10)
		dst = appendIndicator(dst, info, arg)
		dst = append(dst, '(')
		tags++
		off = next
		major, info, arg, next = readHead(data, off)
	}
	switch major {
	case majorUint:
		dst = strconv.AppendUint(dst, arg, 10)
		dst = appendIndicator(dst, info, arg)
	case majorNegative:
		dst = appendNegative(dst, arg)
		dst = appendIndicator(dst, info, arg)
	case majorBytes, majorText:
		dst, next = appendString(dst, data, off)
	case majorArray:
		dst, next = appendContainer(dst, data, off, '[', ']', false)
	case majorMap:
		dst, next = appendContainer(dst, data, off, '{', '}', true)
	case majorSimple:
		dst = appendSimple(dst, info, arg)
	}
	for range tags {
		dst = append(dst, ')')
	}
	return dst, next
}

// appendIndicator appends how an argument was encoded, if that was not the shortest way.
func appendIndicator(dst []byte, info byte, arg uint64) []byte {
	if info < info8 || info > info64 {
		return dst
	}
	if n := info - info8; shortest(arg) != info {
		return append(dst, '_', '0'+n)
	}
	return dst
}

// shortest returns the additional information of the shortest head that carries arg, or 0 if it is the argument.
func shortest(arg uint64) byte {
	switch {
	case arg < info8:
		return 0
	case arg <= math.MaxUint8:
		return info8
	case arg <= math.MaxUint16:
		return info16
	case arg <= math.MaxUint32:
		return info32
	}
	return info64
}

// appendNegative appends the negative integer with argument arg, which is -1-arg and may be as low as -2^64.
func appendNegative(dst []byte, arg uint64) []byte {
	if arg == math.MaxUint64 {
		n := new(big.Int).SetUint64(arg)
		return n.Not(n).Append(dst, 10)
	}
	return strconv.AppendUint(append(dst, '-'), arg+1, 10)
}

// appendString appends the string at off and returns where it ends.
func appendString(dst, data []byte, off int) ([]byte, int) {
	major, info, arg, off := readHead(data, off)
	quoted := appendHex
	if major == majorText {
		quoted = appendText
	}
	if info != infoIndefinite {
		end := off + int(arg)
		return appendIndicator(quoted(dst, data[off:end]), info, arg), end
	}
	if data[off] == breakCode { // RFC 8949 section 8.1 has a form of its own for no pieces at all
		if major == majorText {
			return append(dst, `""_`...), off + 1
		}
		return append(dst, `''_`...), off + 1
	}
	dst = append(dst, "(_ "...)
	for first := true; data[off] != breakCode; first = false {
		if !first {
			dst = append(dst, ", "...)
		}
		dst, off = appendString(dst, data, off)
	}
	return append(dst, ')'), off + 1
}

// appendHex appends a byte string.
func appendHex(dst, b []byte) []byte {
	dst = append(dst, "h'"...)
	dst = hex.AppendEncode(dst, b)
	return append(dst, '\'')
}

// appendText appends b as a JSON string in ASCII.
func appendText(dst, b []byte) []byte {
	const digits = "0123456789abcdef"
	dst = append(dst, '"')
	for len(b) > 0 {
		r, size := utf8.DecodeRune(b)
		switch {
		case r == utf8.RuneError && size == 1:
			dst = append(dst, '\\', 'x', digits[b[0]>>4], digits[b[0]&15])
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r == '\n':
			dst = append(dst, '\\', 'n')
		case r == '\r':
			dst = append(dst, '\\', 'r')
		case r == '\t':
			dst = append(dst, '\\', 't')
		case r >= ' ' && r < 0x7f:
			dst = append(dst, byte(r))
		default:
			for _, unit := range utf16.AppendRune(nil, r) {
				dst = append(dst, '\\', 'u', digits[unit>>12], digits[unit>>8&15], digits[unit>>4&15], digits[unit&15])
			}
		}
		b = b[size:]
	}
	return append(dst, '"')
}

// appendContainer appends the array or map at off and returns where it ends.
func appendContainer(dst, data []byte, off int, open, end byte, pairs bool) ([]byte, int) {
	_, info, n, off := readHead(data, off)
	dst = append(dst, open)
	indefinite := info == infoIndefinite
	switch mark := len(dst); {
	case indefinite:
		dst = append(dst, "_ "...)
	default:
		if dst = appendIndicator(dst, info, n); len(dst) > mark && n > 0 {
			dst = append(dst, ' ')
		}
	}
	for i := uint64(0); indefinite && data[off] != breakCode || !indefinite && i < n; i++ {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst, off = appendItem(dst, data, off)
		if pairs {
			dst = append(dst, ": "...)
			dst, off = appendItem(dst, data, off)
		}
	}
	if indefinite {
		off++
	}
	return append(dst, end), off
}

// appendSimple appends a simple value or floating-point number.
func appendSimple(dst []byte, info byte, arg uint64) []byte {
	switch {
	case info >= info16:
		return appendFloat(dst, float(info, arg))
	case arg == simpleFalse:
		return append(dst, "false"...)
	case arg == simpleTrue:
		return append(dst, "true"...)
	case arg == simpleNull:
		return append(dst, "null"...)
	case arg == simpleUndefined:
		return append(dst, "undefined"...)
	}
	dst = append(dst, "simple("...)
	dst = strconv.AppendUint(dst, arg, 10)
	return append(dst, ')')
}
