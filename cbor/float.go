package cbor

import (
	"math"
	"strconv"
	"strings"
)

// float returns the number behind a head of major type 7 with a float's additional information.
func float(info byte, bits uint64) float64 {
	switch info {
	case info16:
		return float16(uint16(bits))
	case info32:
		return float64(math.Float32frombits(uint32(bits)))
	}
	return math.Float64frombits(bits)
}

// float16 returns the half-precision number with the given bits (RFC 8949 appendix D).
func float16(bits uint16) float64 {
	exponent, mantissa := int(bits>>10&0x1f), float64(bits&0x3ff)
	var x float64
	switch exponent {
	case 0:
		x = math.Ldexp(mantissa, -24)
	case 0x1f:
		x = math.Inf(1)
		if mantissa != 0 {
			x = math.NaN()
		}
	default:
		x = math.Ldexp(mantissa+1024, exponent-25)
	}
	if bits&0x8000 != 0 {
		x = math.Copysign(x, -1)
	}
	return x
}

// appendFloat appends x as JavaScript does, but so that it can't be taken for an integer.
func appendFloat(dst []byte, x float64) []byte {
	switch {
	case math.IsNaN(x):
		return append(dst, "NaN"...)
	case math.IsInf(x, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(x, -1):
		return append(dst, "-Infinity"...)
	}
	if abs := math.Abs(x); abs == 0 || abs >= 1e-6 && abs < 1e21 {
		text := strconv.FormatFloat(x, 'f', -1, 64)
		dst = append(dst, text...)
		if !strings.Contains(text, ".") {
			dst = append(dst, ".0"...)
		}
		return dst
	}
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(x, 'e', -1, 64), "e")
	dst = append(dst, mantissa...)
	if !strings.Contains(mantissa, ".") {
		dst = append(dst, ".0"...)
	}
	sign, digits := exponent[:1], strings.TrimLeft(exponent[1:], "0")
	return append(append(append(dst, 'e'), sign...), digits...)
}
