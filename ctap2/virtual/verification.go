package virtual

import "github.com/gofido/fido/ctap2"

// builtInUV is performBuiltInUv of CTAP 2.3 section 6.5.3.1: it asks the user
// to identify, at most attempts times. Each try is spent, and its loss stored,
// before the user is asked.
func (k *Key) builtInUV(o *operation, rpID string, attempts int) (outcome, error) {
	if k.state.pin != nil && k.state.retries.PIN == 0 {
		if err := k.setRetries(retriesRecord{UVCount: k.state.retries.UVCount}); err != nil {
			return 0, err
		}
	}
	out := notRecognised
	for range attempts {
		if k.state.retries.UV == 0 {
			break
		}
		left := k.state.retries
		left.UV--
		left.UVCount++
		if err := k.setRetries(left); err != nil {
			return 0, err
		}
		if out = k.verify(o, rpID); out != notRecognised {
			break
		}
	}
	if out != agreed {
		return out, nil
	}
	all := k.state.retries
	all.UV = uint(k.config.UVRetries)
	return agreed, k.setRetries(all)
}

// verifyUser is built-in user verification within makeCredential and
// getAssertion.
func (k *Key) verifyUser(o *operation, rpID string) error {
	out, err := k.builtInUV(o, rpID, k.config.UVAttempts)
	switch {
	case err != nil:
		return err
	case out == agreed:
		return nil
	case out == timedOut || out == cancelled || out == powerLost:
		return k.status(out, 0, ctap2.StatusUserActionTimeout)
	case k.pinReady():
		return ctap2.StatusPUATRequired // the platform falls back to the PIN
	case k.state.retries.UV == 0:
		return ctap2.StatusPINBlocked
	}
	return ctap2.StatusOperationDenied
}

// userVerification is what makeCredential and getAssertion know of the user.
type userVerification struct {
	verified bool
	present  bool // what verified the user counts as a touch
}

// withoutVerification is answered where the user must be verified and was not:
// the platform is to bring a token if a PIN can give one. On a key where no
// user verification is set up yet, that the key can have a PIN is enough.
func (k *Key) withoutVerification() error {
	if k.pinReady() || !k.protected() && k.pinSupported() && !k.config.NoPINForMcGa {
		return ctap2.StatusPUATRequired
	}
	return ctap2.StatusOperationDenied
}
