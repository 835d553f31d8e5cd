package virtual_test

import (
	"time"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/pinuv"
	"github.com/gofido/fido/ctap2/virtual"
)

// model is what CTAP 2.3 says that a key does, without bytes and cryptography:
// it decides each command's status and what a host sees of a success. It is
// written from the specification, not from the key.
type model struct {
	config      virtual.Config         // with every number that matters
	features    *ctap2.GetInfoResponse // of a new key: which commands and extensions it has
	permissions bool                   // CTAP 2.1 or later
	now         time.Duration
	user        modelUser
	prompts     int // how often the user was asked

	// What survives a power cycle.
	pin             string // "": none
	pinLeft, uvLeft int
	uvCount         int
	policy          modelPolicy
	counter         uint32
	made            []*modelCredential // in order of their making
	blobs           []byte             // the serialized large-blob array
	fingers         []*modelFinger     // oldest first
	generation      int                // of the persistent token

	// What does not.
	boot     time.Duration
	tapUsed  bool
	misses   int
	token    *modelToken
	sequence *modelSequence
	agreed   [3]int // by protocol: how often the key agreement key has changed
}

// modelPolicy is what authenticatorConfig can change.
type modelPolicy struct {
	minPIN      int
	forceChange bool
	alwaysUV    bool
	longTouch   bool
	enterprise  bool
	rpIDs       []string
}

// modelUser is what the user does with every prompt of a command.
type modelUser struct {
	after   time.Duration // 30 s or more: too late
	does    virtual.Decision
	verify  virtual.Verification
	sample  virtual.Sample
	cancel  bool // the host cancels the command instead
	unplugs bool // or the user pulls the key out
}

// modelToken is a token that was handed out, in use or not.
type modelToken struct {
	secret      *pinuv.Token
	protocol    pinuv.Protocol
	permissions ctap2.Permissions
	rpID        string
	verified    bool
	present     bool
	issued      time.Duration
	used        bool
	generation  int // of a persistent token; others have none
}

// modelCredential is one that was made, there or not.
type modelCredential struct {
	id           []byte
	public       *cose.Key
	rpID         string
	user         ctap2.PublicKeyCredentialUserEntity
	discoverable bool
	protect      int
	blob         []byte // credBlob
	blobKey      bool   // it has a largeBlobKey
	payment      bool   // thirdPartyPayment
	gone         bool
	seen         map[string]string // outputs that depend on the credential alone
}

// modelSequence is what a command began and others of its session continue.
type modelSequence struct {
	by       ctap2.Command
	session  uint64
	deadline time.Duration
	token    *modelToken // that authorised the beginning
	state    any
}

func newModel(c virtual.Config, features *ctap2.GetInfoResponse) *model {
	m := &model{config: c, features: features, permissions: c.Profile != virtual.FIDO20}
	m.factory()
	return m
}

func (m *model) factory() {
	m.pin, m.pinLeft, m.uvLeft, m.uvCount, m.counter = "", 8, m.config.UVRetries, 0, 0
	m.policy = modelPolicy{minPIN: 4, alwaysUV: m.config.AlwaysUV, longTouch: m.config.LongTouchForReset}
	m.blobs, m.fingers = ctap2.LargeBlobArray{}.Append(nil), nil
	for _, c := range m.made {
		c.gone = true
	}
	m.generation++
	m.token, m.sequence, m.misses = nil, nil, 0
	m.changeAgreement()
}

func (m *model) changeAgreement() { m.agreed[1]++; m.agreed[2]++ }

func (m *model) powerCycle() {
	m.boot, m.tapUsed, m.misses, m.token, m.sequence = m.now, false, 0, nil, nil
	m.changeAgreement()
}

// stored are the discoverable credentials there are, oldest first.
func (m *model) stored() (all []*modelCredential) {
	for _, c := range m.made {
		if c.discoverable && !c.gone {
			all = append(all, c)
		}
	}
	return all
}

func (m *model) uvReady() bool {
	return m.config.UV == virtual.ConfiguredUV || len(m.fingers) > 0
}

func (m *model) protected() bool { return m.pin != "" || m.uvReady() }

// The outcomes of a prompt that are not statuses of their own.
const (
	modelAgreed  ctap2.Status = 0
	modelRefused ctap2.Status = 0xf0
	modelMissed  ctap2.Status = 0xf1 // not recognised
	modelTimeout ctap2.Status = 0xf2
)

// ask is a prompt.
func (m *model) ask() ctap2.Status { return m.askFor(30 * time.Second) }

func (m *model) askFor(limit time.Duration) ctap2.Status {
	m.prompts++
	m.now += m.user.after
	switch {
	case m.user.unplugs:
		m.powerCycle()
		return ctap2.StatusOther
	case m.user.cancel:
		return ctap2.StatusKeepaliveCancel
	case m.user.after >= limit:
		return modelTimeout
	}
	return modelAgreed
}

// touch asks for a touch, and says what to answer if there is none.
func (m *model) touch(onTimeout ctap2.Status) ctap2.Status { return m.longTouch(false, onTimeout) }

func (m *model) longTouch(long bool, onTimeout ctap2.Status) ctap2.Status {
	if m.config.Transport != "" { // power-up is the touch, for two minutes
		if m.tapUsed || m.now-m.boot >= 2*time.Minute {
			return ctap2.StatusUPRequired
		}
		m.tapUsed = true
		return modelAgreed
	}
	switch out := m.ask(); {
	case out == modelTimeout:
		return onTimeout
	case out != modelAgreed:
		return out
	case m.user.does == virtual.Decline, long && m.user.does != virtual.LongTouch:
		return ctap2.StatusOperationDenied
	}
	return modelAgreed
}

// performBuiltInUv is that of section 6.5.3.1.
func (m *model) performBuiltInUv(attempts int) ctap2.Status {
	if m.pin != "" && m.pinLeft == 0 {
		m.uvLeft = 0
	}
	for range attempts {
		if m.uvLeft == 0 {
			return modelMissed
		}
		m.uvLeft--
		m.uvCount++
		out := m.ask()
		switch {
		case out != modelAgreed:
			return out
		case m.user.verify == virtual.Verified:
			m.uvLeft = m.config.UVRetries
			return modelAgreed
		case m.user.verify == virtual.VerifyDeclined:
			return modelRefused
		}
	}
	return modelMissed
}

// live returns the token in use, or nil.
func (m *model) live() *modelToken {
	t := m.token
	if t == nil || !m.permissions {
		return t
	}
	initial := 30 * time.Second
	if m.config.Transport == ctap2.TransportNFC {
		initial = 19800 * time.Millisecond
	}
	age := m.now - t.issued
	if age >= initial {
		t.present = false
	}
	if age >= initial && !t.used || age >= 10*time.Minute {
		m.token = nil
	}
	return m.token
}

// spend is what is left of the token after user presence was tested.
func (m *model) spend() {
	if m.token != nil && m.permissions {
		m.token.permissions &= ctap2.PermissionLBW
		m.token.verified, m.token.present = false, false
	}
}

// begin notes the beginning of a sequence, and resume is whether it goes on.
func (m *model) begin(by ctap2.Command, session uint64, t *modelToken, state any) {
	m.sequence = &modelSequence{by, session, m.now + 30*time.Second, t, state}
}

func (m *model) resume(by ctap2.Command, session uint64) any {
	s := m.sequence
	if s == nil || s.by != by || s.session != session {
		return nil
	}
	if m.now > s.deadline || s.token != nil && m.live() != s.token {
		m.sequence = nil
		return nil
	}
	s.deadline = m.now + 30*time.Second
	return s.state
}

// modelProof is how a request is authorised.
type modelProof struct {
	kind     uint8
	token    *modelToken
	protocol pinuv.Protocol
}

const (
	modelNoProof    uint8 = iota
	modelEmptyProof       // a pinUvAuthParam without bytes
	modelRightMAC
	modelWrongMAC
	modelNoProtocol // a right MAC, and pinUvAuthProtocol is missing
)

// checkProtocol is step 2 of makeCredential and getAssertion, and of the others
// what comes before the MAC.
func (m *model) checkProtocol(p modelProof) ctap2.Status {
	switch p.kind {
	case modelNoProof:
		return 0
	case modelNoProtocol:
		return ctap2.StatusMissingParameter
	}
	for _, known := range m.config.Protocols {
		if p.protocol == known {
			return 0
		}
	}
	if !m.permissions {
		return ctap2.StatusPINAuthInvalid
	}
	return ctap2.StatusInvalidParameter
}

// managed is the check of the commands that manage a key: a token with the
// permission.
func (m *model) managed(p modelProof, permission ctap2.Permissions) ctap2.Status {
	if s := m.checkProtocol(p); s != 0 {
		return s
	}
	if !m.authenticate(p) || p.token.permissions&permission == 0 {
		return ctap2.StatusPINAuthInvalid
	}
	return 0
}

// managedIfProtected is the same for those that are open on a key that does not
// verify users.
func (m *model) managedIfProtected(p modelProof, permission ctap2.Permissions) (by *modelToken, s ctap2.Status) {
	switch {
	case !m.protected() && !m.policy.alwaysUV:
		return nil, 0
	case p.kind == modelNoProof:
		return nil, ctap2.StatusPUATRequired
	}
	return p.token, m.managed(p, permission)
}

// authenticate reports whether the proof is a token's that is in use.
func (m *model) authenticate(p modelProof) bool {
	if p.kind != modelRightMAC || p.token == nil || m.live() != p.token || p.protocol != p.token.protocol {
		return false
	}
	p.token.used = true
	return true
}
