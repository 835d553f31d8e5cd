package virtual

// PINComplexity is a policy for PINs beyond their length (CTAP 2.3 section 7.5).
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
	runes := []rune(string(pin))
	if len(runes) < 2 {
		return false
	}
	step := runes[1] - runes[0]
	if step < -1 || step > 1 {
		return true
	}
	for i := range runes[1:] {
		if runes[i+1]-runes[i] != step {
			return true
		}
	}
	return false
}
