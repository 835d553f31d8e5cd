package virtual_test

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/pinuv"
	"github.com/gofido/fido/ctap2/virtual"
)

// modelCreate is a makeCredential.
type modelCreate struct {
	rpID       string
	user       ctap2.PublicKeyCredentialUserEntity
	exclude    []*modelCredential // nil: an unknown credential
	rk, uv     bool
	upFalse    bool
	otherAlg   bool // the key has none of the algorithms
	enterprise uint // 0: absent
	extensions modelExtensions
	proof      modelProof

	secret *pinuv.SharedSecret // that hmac-secret-mc is encrypted with
}

// modelExtensions are the inputs of makeCredential; zero is absent.
type modelExtensions struct {
	protect     int
	hmacSecret  bool
	hmacMC      bool // hmac-secret-mc
	blob        []byte
	blobKey     bool
	minPIN      bool
	payment     bool
	unsupported bool // one that no key has
}

// makeCredential is section 6.1.2. It returns what a host sees, and the new
// credential, whose ID only the key knows.
func (m *model) makeCredential(a *modelCreate) (string, *modelCredential) {
	status := func(s ctap2.Status) (string, *modelCredential) { return s.Name(), nil }
	if s := m.probe(a.proof); s != 0 {
		return status(s)
	}
	if s := m.checkProtocol(a.proof); s != 0 {
		return status(s)
	}
	if a.otherAlg {
		return status(ctap2.StatusUnsupportedAlgorithm)
	}
	uv := a.uv && a.proof.kind == modelNoProof
	switch {
	case uv && !m.uvReady(), a.upFalse:
		return status(ctap2.StatusInvalidOption)
	case len(a.exclude) > m.config.MaxCredentialCountInList:
		return status(ctap2.StatusLimitExceeded)
	}
	uv, s := m.alwaysUV(a.proof, uv)
	if s != 0 {
		return status(s)
	}
	optional := m.permissions && !m.config.UVForEverything && !m.policy.alwaysUV && !a.rk
	unproven := !uv && a.proof.kind == modelNoProof
	if m.protected() && unproven && !optional {
		return status(m.needsVerification())
	}
	granted := false
	if a.enterprise != 0 && m.permissions { // CTAP 2.0 does not know the member
		if granted, s = m.enterprise(a); s != 0 {
			return status(s)
		}
	}
	verified, present := false, false
	if !optional || !unproven {
		if verified, present, s = m.authorize(a.proof, uv, ctap2.PermissionMC, a.rpID); s != 0 {
			return status(s)
		}
	}
	if s := m.excluded(a, verified, present); s != 0 {
		return status(s)
	}
	if !present {
		if s := m.touch(ctap2.StatusOperationDenied); s != 0 {
			return status(s)
		}
	}
	m.spend()
	return m.create(a, verified, granted)
}

// probe is step 1: a host looks for the key that the user touches.
func (m *model) probe(p modelProof) ctap2.Status {
	if p.kind != modelEmptyProof {
		return 0
	}
	if s := m.touch(ctap2.StatusOperationDenied); s != 0 {
		return s
	}
	if m.pin == "" {
		return ctap2.StatusPINNotSet
	}
	return ctap2.StatusPINInvalid
}

// alwaysUV is what the option makes of a request.
func (m *model) alwaysUV(p modelProof, uv bool) (bool, ctap2.Status) {
	switch {
	case !m.policy.alwaysUV:
		return uv, 0
	case !m.protected():
		return false, m.needsVerification()
	case p.kind != modelNoProof || uv:
		return uv, 0
	case m.uvReady():
		return true, 0
	}
	return false, m.needsVerification()
}

func (m *model) pinUsable() bool { return m.pin != "" && !m.config.NoPINForMcGa }

// needsVerification is answered where the user has to be verified.
func (m *model) needsVerification() ctap2.Status {
	if m.pinUsable() || !m.protected() && !m.config.NoPINForMcGa {
		return ctap2.StatusPUATRequired
	}
	return ctap2.StatusOperationDenied
}

// authorize is step 11 of makeCredential and step 6 of getAssertion.
func (m *model) authorize(p modelProof, uv bool, permission ctap2.Permissions, rpID string) (verified, present bool, s ctap2.Status) {
	switch {
	case !m.protected():
		return false, false, 0
	case p.kind != modelNoProof:
		t := p.token
		if !m.authenticate(p) || t.permissions&permission == 0 || t.rpID != "" && t.rpID != rpID || !t.verified {
			return false, false, ctap2.StatusPINAuthInvalid
		}
		if m.permissions { // CTAP 2.0 binds no token
			t.rpID = rpID
		}
		return true, t.present, 0
	case !uv:
		return false, false, 0
	}
	switch out := m.performBuiltInUv(m.config.UVAttempts); {
	case out == modelAgreed:
		return true, true, 0
	case out == modelTimeout:
		return false, false, ctap2.StatusUserActionTimeout
	case out != modelRefused && out != modelMissed:
		return false, false, out
	case m.pinUsable():
		return false, false, ctap2.StatusPUATRequired
	case m.uvLeft == 0:
		return false, false, ctap2.StatusPINBlocked
	}
	return false, false, ctap2.StatusOperationDenied
}

// find returns the relying party's credential if the key has it and may tell.
func (m *model) find(c *modelCredential, rpID string, verified bool) bool {
	return c != nil && !c.gone && c.rpID == rpID && (verified || c.protect < 3)
}

// excluded is step 12.
func (m *model) excluded(a *modelCreate, verified, present bool) ctap2.Status {
	for _, c := range a.exclude {
		if !m.find(c, a.rpID, verified) {
			continue
		}
		if !present {
			s := m.touch(ctap2.StatusCredentialExcluded)
			if s == ctap2.StatusKeepaliveCancel || s == ctap2.StatusOther || s == ctap2.StatusUPRequired {
				return s
			}
		}
		return ctap2.StatusCredentialExcluded
	}
	return 0
}

// create is steps 15 to 19.
func (m *model) create(a *modelCreate, verified, granted bool) (string, *modelCredential) {
	c := &modelCredential{rpID: a.rpID, user: a.user, discoverable: a.rk, seen: map[string]string{}}
	outputs, s := m.createOutputs(a, c)
	if s != 0 {
		return s.Name(), nil
	}
	if a.rk {
		if m.full(c) {
			return ctap2.StatusKeyStoreFull.Name(), nil
		}
		if old := m.replaced(c); old != nil {
			old.gone = true
		}
	}
	m.made = append(m.made, c)
	m.counter++
	flags := ctap2.FlagUP | ctap2.FlagAT
	if verified {
		flags |= ctap2.FlagUV
	}
	if outputs != "" {
		flags |= ctap2.FlagED
	}
	return fmt.Sprintf("flags %02x count %d enterprise %v blob key %v:%s", byte(flags), m.counter, granted, c.blobKey, outputs), c
}

// replaced is the discoverable credential of the same user, or nil.
func (m *model) replaced(c *modelCredential) *modelCredential {
	for _, o := range m.stored() {
		if c.discoverable && o.rpID == c.rpID && bytes.Equal(o.user.ID, c.user.ID) {
			return o
		}
	}
	return nil
}

func (m *model) full(c *modelCredential) bool {
	return len(m.stored()) >= m.config.MaxCredentials && m.replaced(c) == nil
}

// modelAsk is a getAssertion.
type modelAsk struct {
	rpID       string
	allow      []*modelCredential // nil: an unknown credential
	upFalse    bool
	uv         bool
	rk         bool // the option is there, which is wrong
	hmacSecret bool
	blob       bool // credBlob
	blobKey    bool // largeBlobKey
	payment    bool // thirdPartyPayment
	proof      modelProof
	session    uint64

	secret *pinuv.SharedSecret // that hmac-secret is encrypted with
}

// modelAssertions are the rest of what a getAssertion has found.
type modelAssertions struct {
	ask      *modelAsk
	rest     []*modelCredential
	verified bool
}

// getAssertion is section 6.2.2. The credential is that of the answer.
func (m *model) getAssertion(a *modelAsk) (string, *modelCredential) {
	status := func(s ctap2.Status) (string, *modelCredential) { return s.Name(), nil }
	if s := m.probe(a.proof); s != 0 {
		return status(s)
	}
	if s := m.checkProtocol(a.proof); s != 0 {
		return status(s)
	}
	uv := a.uv && a.proof.kind == modelNoProof
	switch {
	case uv && !m.uvReady():
		return status(ctap2.StatusInvalidOption)
	case a.rk:
		return status(ctap2.StatusUnsupportedOption)
	case len(a.allow) > m.config.MaxCredentialCountInList:
		return status(ctap2.StatusLimitExceeded)
	}
	var s ctap2.Status
	if !a.upFalse {
		if uv, s = m.alwaysUV(a.proof, uv); s != 0 {
			return status(s)
		}
	}
	verified, present, s := m.authorize(a.proof, uv, ctap2.PermissionGA, a.rpID)
	if s != 0 {
		return status(s)
	}
	found := m.candidates(a, verified)
	touchFirst := m.config.Profile == virtual.FIDO20
	if !a.upFalse && !present && (touchFirst || len(found) > 0) {
		if s := m.touch(ctap2.StatusOperationDenied); s != 0 {
			return status(s)
		}
	}
	if len(found) == 0 {
		return status(ctap2.StatusNoCredentials)
	}
	by := m.token
	if a.proof.kind == modelNoProof {
		by = nil
	}
	if !a.upFalse {
		m.spend()
	}
	if a.hmacSecret && a.upFalse {
		return status(ctap2.StatusUnsupportedOption)
	}
	want := m.assertion(a, found[0], verified, len(found))
	if len(found) > 1 {
		m.begin(ctap2.CommandGetNextAssertion, a.session, by, &modelAssertions{a, found[1:], verified})
	}
	return want, found[0]
}

// candidates is step 7 and what follows from the allowList.
func (m *model) candidates(a *modelAsk, verified bool) (found []*modelCredential) {
	for _, c := range a.allow {
		if m.find(c, a.rpID, verified) {
			return []*modelCredential{c}
		}
	}
	if len(a.allow) > 0 {
		return nil
	}
	for _, c := range slices.Backward(m.stored()) {
		if c.rpID == a.rpID && (verified || c.protect < 2) {
			found = append(found, c)
		}
	}
	return found
}

// assertion is one answer, the first of n, or another if n is zero.
func (m *model) assertion(a *modelAsk, c *modelCredential, verified bool, n int) string {
	m.counter++
	var flags ctap2.Flags
	if !a.upFalse {
		flags |= ctap2.FlagUP
	}
	user := ""
	if c.discoverable {
		user = string(c.user.ID)
	}
	if verified {
		flags |= ctap2.FlagUV
		if c.discoverable {
			user += "/" + c.user.Name + "/" + c.user.DisplayName
		}
	}
	outputs := m.assertOutputs(a, c)
	if outputs != "" {
		flags |= ctap2.FlagED
	}
	if n < 2 {
		n = 0
	}
	return fmt.Sprintf("flags %02x count %d of %d user %q blob key %v:%s", byte(flags), m.counter, n, user, m.blobKey(a.blobKey) && c.blobKey, outputs)
}

// getNextAssertion is section 6.3.
func (m *model) getNextAssertion(session uint64) (string, *modelCredential, *modelAsk) {
	s, ok := m.resume(ctap2.CommandGetNextAssertion, session).(*modelAssertions)
	if !ok || len(s.rest) == 0 {
		return ctap2.StatusNotAllowed.Name(), nil, nil
	}
	c := s.rest[0]
	s.rest = s.rest[1:]
	return m.assertion(s.ask, c, s.verified, 0), c, s.ask
}

// reset is section 6.6.
func (m *model) reset() string {
	if over := m.config.TransportsForReset; len(over) > 0 && !slices.Contains(over, "usb") {
		return ctap2.StatusOperationDenied.Name()
	}
	if m.now-m.boot > 10*time.Second {
		return ctap2.StatusNotAllowed.Name()
	}
	if s := m.longTouch(m.policy.longTouch, ctap2.StatusUserActionTimeout); s != 0 {
		return s.Name()
	}
	m.factory()
	return ""
}

func (m *model) selection() string {
	if s := m.touch(ctap2.StatusUserActionTimeout); s != 0 {
		return s.Name()
	}
	return ""
}
