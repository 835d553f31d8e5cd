package webauthn

import "github.com/gofido/fido/ctap2"

// credProps (WebAuthn L3 section 10.1.3) is the client's: the key has no part in
// it. Keys of CTAP 2.0 may make a credential discoverable although nobody asked
// for it.
var createCredProps = creationExtension{
	answer: func(c *creation, _ *ctap2.MakeCredentialResponse) error {
		if !c.request.Extensions.CredProps {
			return nil
		}
		c.outputs.CredProps = new(CredProps)
		if c.rk || c.is21() || !c.info.Options[ctap2.OptionRK] {
			c.outputs.CredProps.RK = new(c.rk)
		}
		return nil
	},
}
