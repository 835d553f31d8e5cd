package virtual_test

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/pinuv"
)

// has reports whether the key has an extension.
func (m *model) has(id string) bool { return slices.Contains(m.features.Extensions, id) }

func (m *model) blobKey(wanted bool) bool { return wanted && m.has(ctap2.ExtensionLargeBlobKey) }

// createOutputs is step 15 of makeCredential: what the extensions answer, in the
// order of their names.
func (m *model) createOutputs(a *modelCreate, c *modelCredential) (outputs string, s ctap2.Status) {
	in := &a.extensions
	c.protect = 1
	if m.has(ctap2.ExtensionCredBlob) && in.blob != nil {
		fits := len(in.blob) <= 32 && !m.full(c) // a full key may say no even if nothing is stored
		if fits {
			c.blob = in.blob
		}
		outputs += fmt.Sprint(" credBlob ", fits)
	}
	if m.has(ctap2.ExtensionCredProtect) && in.protect != 0 {
		if in.protect > 3 {
			return "", ctap2.StatusInvalidParameter
		}
		c.protect = in.protect
		outputs += fmt.Sprint(" credProtect ", in.protect)
	}
	if m.blobKey(in.blobKey) {
		if !a.rk {
			return "", ctap2.StatusInvalidOption
		}
		c.blobKey = true
	}
	if in.hmacSecret {
		outputs += " hmac-secret true"
	}
	mc := m.has(ctap2.ExtensionHMACSecretMC) && in.hmacMC
	if mc && !in.hmacSecret {
		return "", ctap2.StatusMissingParameter
	}
	if m.has(ctap2.ExtensionMinPINLength) && in.minPIN && slices.Contains(m.policy.rpIDs, a.rpID) {
		outputs += fmt.Sprint(" minPinLength ", m.policy.minPIN)
	}
	if mc {
		outputs += " hmac-secret-mc 1"
	}
	c.payment = m.has(ctap2.ExtensionThirdPartyPayment) && in.payment
	return outputs, 0
}

// assertOutputs is step 10 of getAssertion.
func (m *model) assertOutputs(a *modelAsk, c *modelCredential) (outputs string) {
	if m.has(ctap2.ExtensionCredBlob) && a.blob {
		outputs += fmt.Sprintf(" credBlob h'%x'", c.blob)
	}
	if a.hmacSecret {
		outputs += " hmac-secret 1"
	}
	if m.has(ctap2.ExtensionThirdPartyPayment) && a.payment {
		outputs += fmt.Sprint(" thirdPartyPayment ", c.payment)
	}
	return outputs
}

// enterprise is step 9 of makeCredential.
func (m *model) enterprise(a *modelCreate) (granted bool, s ctap2.Status) {
	switch e := m.config.Enterprise; {
	case e == nil || !m.policy.enterprise:
		return false, ctap2.StatusInvalidParameter
	case a.enterprise > 2:
		return false, ctap2.StatusInvalidOption
	default:
		return a.enterprise == 2 || slices.Contains(e.RPIDs, a.rpID), 0
	}
}

func (d *modelDriver) drawExtensions() (in modelExtensions) {
	if d.one(2) {
		return in
	}
	if d.one(2) {
		in.protect = 1 + d.IntN(3)
		if d.one(20) {
			in.protect = 4
		}
	}
	if d.one(4) {
		in.blob = bytes.Repeat([]byte{byte(d.Uint32())}, pick(d, 0, 1, 31, 32, 33))
	}
	in.hmacMC = d.one(8)
	in.hmacSecret, in.blobKey, in.minPIN, in.payment, in.unsupported = d.one(3), d.one(5), d.one(4), d.one(4), d.one(10)
	return in
}

// createInputs encodes the inputs of a makeCredential.
func (d *modelDriver) createInputs(a *modelCreate) ctap2.Extensions {
	in, all := &a.extensions, ctap2.Extensions{}
	if in.hmacMC {
		all[ctap2.ExtensionHMACSecretMC], a.secret = d.saltsInput()
	}
	if in.protect != 0 {
		all[ctap2.ExtensionCredProtect] = cbor.RawMessage{byte(in.protect)}
	}
	for id, wanted := range map[string]bool{
		ctap2.ExtensionHMACSecret: in.hmacSecret, ctap2.ExtensionLargeBlobKey: in.blobKey, ctap2.ExtensionMinPINLength: in.minPIN,
		ctap2.ExtensionThirdPartyPayment: in.payment, "example": in.unsupported,
	} {
		if wanted {
			all[id] = cbor.RawMessage{0xf5}
		}
	}
	if in.blob != nil {
		if err := all.Set(ctap2.ExtensionCredBlob, in.blob); err != nil {
			d.t.Fatal(err)
		}
	}
	if len(all) == 0 {
		return nil
	}
	return all
}

// createOutputs describes the outputs as the model does.
func (d *modelDriver) createOutputs(a *modelCreate, c *modelCredential, at *ctap2.AuthenticatorData) string {
	o := outputs{left: at.Extensions}
	o.plain(ctap2.ExtensionCredBlob, ctap2.ExtensionCredProtect, ctap2.ExtensionHMACSecret, ctap2.ExtensionMinPINLength)
	if c != nil {
		o.salted(ctap2.ExtensionHMACSecretMC, a.secret, c, at.Flags)
	}
	return o.String()
}

// outputs describes outputs one by one.
type outputs struct {
	left ctap2.Extensions
	text string
}

func (o *outputs) take(id string) (cbor.RawMessage, bool) {
	b, ok := o.left[id]
	delete(o.left, id)
	return b, ok
}

// plain describes outputs as they are.
func (o *outputs) plain(ids ...string) {
	for _, id := range ids {
		b, ok := o.take(id)
		if !ok {
			continue
		}
		value, err := cbor.Diagnose(b)
		if err != nil {
			value = err.Error()
		}
		o.text += " " + id + " " + value
	}
}

// salted describes that of hmac-secret, which has to be the same each time.
func (o *outputs) salted(id string, s *pinuv.SharedSecret, c *modelCredential, flags ctap2.Flags) {
	b, ok := o.take(id)
	if !ok {
		return
	}
	var enc []byte
	if err := cbor.Unmarshal(b, &enc); err != nil {
		o.text += err.Error()
		return
	}
	plain, err := s.Decrypt(enc)
	if err != nil {
		o.text += err.Error()
		return
	}
	if !c.keep(fmt.Sprint("hmac-secret ", flags&ctap2.FlagUV), string(plain)) {
		o.text += " another output of hmac-secret"
	}
	o.text += fmt.Sprint(" ", id, " ", len(plain)/32)
}

func (o *outputs) String() string {
	if len(o.left) > 0 {
		return o.text + fmt.Sprint(" and more: ", o.left)
	}
	return o.text
}

// salts encodes the input of hmac-secret and hmac-secret-mc, and returns what
// the answer is encrypted with.
func (d *modelDriver) saltsInput() (cbor.RawMessage, *pinuv.SharedSecret) {
	s := d.agreement(d.protocol)
	enc := d.encrypt(s.secret, modelSalt)
	in, err := cbor.Marshal(struct {
		KeyAgreement *cose.Key      `cbor:"1,keyasint"`
		SaltEnc      []byte         `cbor:"2,keyasint"`
		SaltAuth     []byte         `cbor:"3,keyasint"`
		Protocol     pinuv.Protocol `cbor:"4,keyasint"`
	}{s.platform, enc, s.secret.Authenticate(enc), d.protocol})
	if err != nil {
		d.t.Fatal(err)
	}
	return in, s.secret
}

var modelSalt = bytes.Repeat([]byte{0x5a}, 32)

// assertInputs encodes the inputs of a getAssertion.
func (d *modelDriver) assertInputs(a *modelAsk) ctap2.Extensions {
	all := ctap2.Extensions{}
	if a.hmacSecret {
		all[ctap2.ExtensionHMACSecret], a.secret = d.saltsInput()
	}
	for id, wanted := range map[string]bool{
		ctap2.ExtensionCredBlob: a.blob, ctap2.ExtensionLargeBlobKey: a.blobKey, ctap2.ExtensionThirdPartyPayment: a.payment,
	} {
		if wanted {
			all[id] = cbor.RawMessage{0xf5}
		}
	}
	if len(all) == 0 {
		return nil
	}
	return all
}

// assertOutputs describes the outputs as the model does.
func (d *modelDriver) assertOutputs(a *modelAsk, c *modelCredential, r *ctap2.GetAssertionResponse) string {
	o := outputs{left: r.AuthData.Extensions}
	o.plain(ctap2.ExtensionCredBlob)
	o.salted(ctap2.ExtensionHMACSecret, a.secret, c, r.AuthData.Flags)
	o.plain(ctap2.ExtensionThirdPartyPayment)
	return o.String()
}

// keep notes what must be the same each time, and reports whether it is.
func (c *modelCredential) keep(what, value string) bool {
	before, ok := c.seen[what]
	c.seen[what] = value
	return !ok || before == value
}
