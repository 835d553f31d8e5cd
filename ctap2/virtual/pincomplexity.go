package virtual

import "unicode/utf8"

// PINComplexity is a policy for PINs beyond their length (CTAP 2.3 section 7.5).
// It judges new ones: a PIN that is set when the policy is switched on stays
// good, since a key knows no more of it than a hash and its length.
type PINComplexity struct {
	// Allows judges a new PIN, in UTF-8, when the policy is enforced. It keeps
	// none of the memory. Nil: [NotTooSimple].
	Allows func(pin []byte) bool

	Enforced bool   // from the start; otherwise authenticatorConfig can
	URL      string // where the policy is explained; "": getInfo names none
}

// pinComplexityKnown reports whether getInfo says something about the policy.
func (k *Key) pinComplexityKnown() bool { return k.config.PINComplexity != nil && k.pinSupported() }

// complexEnough reports whether the policy, if it is enforced, allows a new PIN.
func (k *Key) complexEnough(pin []byte) bool {
	switch c := k.config.PINComplexity; {
	case c == nil || !k.state.policy.PINComplexity:
		return true
	case c.Allows == nil:
		return NotTooSimple(pin)
	default:
		return c.Allows(pin)
	}
}

// NotTooSimple is a policy that refuses PINs of one character repeated, and of
// characters that follow each other, such as 1234 and dcba.
func NotTooSimple(pin []byte) bool {
	last, size := utf8.DecodeRune(pin)
	var step rune
	for i, first := size, true; i < len(pin); i, first = i+size, false { // no copy that would have to be wiped
		var next rune
		next, size = utf8.DecodeRune(pin[i:])
		if first {
			step = next - last
		}
		if next-last != step || step < -1 || step > 1 {
			return true
		}
		last = next
	}
	return false
}
