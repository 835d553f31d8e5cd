package virtual_test

import (
	"bytes"
	"fmt"
	"maps"
	"time"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/pinuv"
	"github.com/gofido/fido/ctap2/virtual"
)

// modelSteps are what a driver can do next, with their weights.
var modelSteps = []struct {
	weight int
	do     func(d *modelDriver)
}{
	{20, (*modelDriver).makeCredential},
	{26, (*modelDriver).getAssertion},
	{14, (*modelDriver).getNextAssertion},
	{4, (*modelDriver).setPIN},
	{3, (*modelDriver).changePIN},
	{5, (*modelDriver).anyToken},
	{3, (*modelDriver).retries},
	{5, (*modelDriver).compareInfo},
	{2, (*modelDriver).selection},
	{2, (*modelDriver).reset},
	{1, (*modelDriver).powerCycle},
	{1, (*modelDriver).guess},
	{4, (*modelDriver).pass},
	{12, (*modelDriver).manageCredentials},
	{4, (*modelDriver).largeBlobs},
	{4, (*modelDriver).configure},
	{24, (*modelDriver).enroll},
}

// continuations are the steps that go on with what a command began.
var continuations = map[ctap2.Command]func(d *modelDriver){
	ctap2.CommandGetNextAssertion:     (*modelDriver).getNextAssertion,
	ctap2.CommandCredentialManagement: (*modelDriver).manageCredentials,
	ctap2.CommandLargeBlobs:           (*modelDriver).largeBlobs,
	ctap2.CommandBioEnrollment:        (*modelDriver).enroll,
}

// step does one of them.
func (d *modelDriver) step() {
	d.drawUser()
	d.session = 1
	if d.one(12) {
		d.session = 2
	}
	d.protocol = d.model.config.Protocols[d.IntN(len(d.model.config.Protocols))]
	if s := d.model.sequence; s != nil && d.one(2) {
		continuations[s.by](d)
		return
	}
	total := 0
	for _, s := range modelSteps {
		total += s.weight
	}
	n := d.IntN(total)
	for _, s := range modelSteps {
		if n -= s.weight; n < 0 {
			s.do(d)
			return
		}
	}
}

// interrupt is what a command means for a sequence that another began.
func (m *model) interrupt(c ctap2.Command) {
	if m.sequence != nil && m.sequence.by != c {
		m.sequence = nil
	}
}

func (d *modelDriver) makeCredential() {
	name := pick(d, modelUsers...)
	a := &modelCreate{
		rpID:     pick(d, modelRPIDs...),
		user:     ctap2.PublicKeyCredentialUserEntity{ID: []byte(name), Name: fmt.Sprint(name, d.IntN(100)), DisplayName: fmt.Sprint("The ", name)},
		rk:       d.one(2),
		uv:       d.one(4),
		upFalse:  d.one(80),
		otherAlg: d.one(80),
	}
	if d.one(3) {
		a.exclude = d.credentials(1+d.IntN(d.model.config.MaxCredentialCountInList+1), a.rpID)
	}
	if d.one(40) {
		a.enterprise = uint(1 + d.IntN(3))
	}
	a.extensions = d.drawExtensions()
	a.proof = d.drawProof(ctap2.PermissionMC, a.rpID)

	r := &ctap2.MakeCredentialRequest{
		ClientDataHash: hash[:], RP: ctap2.PublicKeyCredentialRPEntity{ID: a.rpID}, User: a.user,
		PubKeyCredParams:      []ctap2.PublicKeyCredentialParameters{{Alg: cose.EdDSA, Type: ctap2.TypePublicKey}},
		ExcludeList:           d.list(a.exclude),
		EnterpriseAttestation: a.enterprise,
		Options:               ctap2.Options{RK: drawnOption(a.rk), UV: drawnOption(a.uv)},
		Extensions:            d.createInputs(a),
	}
	if a.upFalse {
		r.Options.UP = new(false)
	}
	if a.otherAlg {
		r.PubKeyCredParams[0].Alg = cose.ES512
	}
	a.proof.set(hash[:], &r.PinUvAuthParam, &r.PinUvAuthProtocol)
	d.model.interrupt(ctap2.CommandMakeCredential)
	want, made := d.model.makeCredential(a)
	s, b := d.request(r)
	got := s.Name()
	if s == 0 {
		response, err := ctap2.ParseMakeCredentialResponse(b)
		if err != nil {
			d.t.Fatal(err)
		}
		at := &response.AuthData
		got = fmt.Sprintf("flags %02x count %d enterprise %v blob key %v:%s", byte(at.Flags), at.SignCount,
			response.EpAtt, response.LargeBlobKey != nil, d.createOutputs(a, made, at))
		if made != nil {
			made.id = at.AttestedCredentialData.CredentialID
			made.public = at.AttestedCredentialData.PublicKey
			made.keep("largeBlobKey", string(response.LargeBlobKey))
		}
	}
	d.expect("makeCredential", a, want, got)
}

func (d *modelDriver) getAssertion() {
	a := &modelAsk{
		rpID:       pick(d, modelRPIDs...),
		upFalse:    d.one(8),
		uv:         d.one(4),
		rk:         d.one(80),
		hmacSecret: d.one(10),
		blob:       d.one(8),
		blobKey:    d.one(8),
		payment:    d.one(8),
		session:    d.session,
	}
	if d.one(3) {
		a.allow = d.credentials(1+d.IntN(d.model.config.MaxCredentialCountInList+1), a.rpID)
	}
	a.proof = d.drawProof(ctap2.PermissionGA, a.rpID)
	r := &ctap2.GetAssertionRequest{
		RPID: a.rpID, ClientDataHash: hash[:], AllowList: d.list(a.allow),
		Options: ctap2.Options{UV: drawnOption(a.uv), RK: drawnOption(a.rk)},
	}
	if a.upFalse {
		r.Options.UP = new(false)
	}
	a.proof.set(hash[:], &r.PinUvAuthParam, &r.PinUvAuthProtocol)
	r.Extensions = d.assertInputs(a)
	d.model.interrupt(ctap2.CommandGetAssertion)
	want, c := d.model.getAssertion(a)
	s, b := d.request(r)
	d.expect("getAssertion", a, want, d.assertionText(a, c, s, b))
}

func (d *modelDriver) getNextAssertion() {
	if s := d.model.sequence; (s == nil || s.by != ctap2.CommandGetNextAssertion) && !d.one(8) {
		return
	}
	d.model.interrupt(ctap2.CommandGetNextAssertion)
	want, c, a := d.model.getNextAssertion(d.session)
	s, b := d.request(getNextAssertion)
	d.expect("getNextAssertion", nil, want, d.assertionText(a, c, s, b))
}

// assertionText describes an assertion, and makes sure that it is one of the
// credential's.
func (d *modelDriver) assertionText(a *modelAsk, c *modelCredential, s ctap2.Status, b []byte) string {
	if s != 0 {
		return s.Name()
	}
	r := d.assertion(b)
	user := ""
	if u := r.User; u != nil {
		user = string(u.ID)
		if u.Name != "" || u.DisplayName != "" {
			user += "/" + u.Name + "/" + u.DisplayName
		}
	}
	if a == nil || c == nil {
		return "an assertion of nothing"
	}
	if !bytes.Equal(r.Credential.ID, c.id) {
		return "an assertion with another credential"
	}
	if err := r.Verify(c.public, a.rpID, hash[:]); err != nil {
		return err.Error()
	}
	if r.LargeBlobKey != nil && !c.keep("largeBlobKey", string(r.LargeBlobKey)) {
		return "another largeBlobKey"
	}
	return fmt.Sprintf("flags %02x count %d of %d user %q blob key %v:%s", byte(r.AuthData.Flags), r.AuthData.SignCount,
		r.NumberOfCredentials, user, r.LargeBlobKey != nil, d.assertOutputs(a, c, r))
}

func (d *modelDriver) anyPIN() string {
	if d.one(8) {
		return pick(d, oddPINs...)
	}
	return pick(d, modelPINs...)
}

// rightPIN is the PIN, mostly.
func (d *modelDriver) rightPIN() string {
	if d.one(12) {
		return d.anyPIN()
	}
	return d.model.pin
}

func (d *modelDriver) setPIN() {
	if d.model.pin != "" && !d.one(5) {
		return
	}
	a := &modelPIN{sub: ctap2.SetPIN, protocol: d.protocol, newPIN: d.anyPIN(), badMAC: d.one(15), staleKey: d.one(15)}
	s := d.secretFor(a.protocol, &a.staleKey)
	enc := d.encrypt(s.secret, padded(a.newPIN))
	r := &ctap2.ClientPINRequest{NewPinEnc: enc, PinUvAuthParam: s.secret.Authenticate(enc)}
	d.clientPIN(a, s, r)
}

func (d *modelDriver) changePIN() {
	a := &modelPIN{sub: ctap2.ChangePIN, protocol: d.protocol, pin: d.rightPIN(), newPIN: d.anyPIN(), badMAC: d.one(15), staleKey: d.one(15)}
	s := d.secretFor(a.protocol, &a.staleKey)
	r := &ctap2.ClientPINRequest{NewPinEnc: d.encrypt(s.secret, padded(a.newPIN)), PinHashEnc: d.hashEnc(s.secret, a.pin)}
	r.PinUvAuthParam = s.secret.Authenticate(append(bytes.Clone(r.NewPinEnc), r.PinHashEnc...))
	d.clientPIN(a, s, r)
}

// anyToken asks for a token with any permissions.
func (d *modelDriver) anyToken() {
	d.getToken(ctap2.Permissions(d.IntN(1<<7)), pick(d, append(modelRPIDs, "")...))
}

// getToken asks for a token, one way or the other.
func (d *modelDriver) getToken(permissions ctap2.Permissions, rpID string) {
	a := &modelPIN{sub: ctap2.GetPinUvAuthTokenUsingPinWithPermissions, protocol: d.protocol, pin: d.rightPIN(), staleKey: d.one(40), permissions: permissions, rpID: rpID}
	if d.one(30) {
		a.rpID = ""
	}
	switch {
	case !d.model.permissions && !d.one(10), d.one(12):
		a.sub, a.permissions, a.rpID = ctap2.GetPINToken, 0, ""
	case d.model.uvReady() && (d.model.pin == "" || d.one(2)), d.one(20):
		a.sub = ctap2.GetPinUvAuthTokenUsingUvWithPermissions
		a.staleKey = false
	}
	s := d.secretFor(a.protocol, &a.staleKey)
	r := &ctap2.ClientPINRequest{Permissions: a.permissions, RPID: a.rpID}
	if a.sub != ctap2.GetPinUvAuthTokenUsingUvWithPermissions {
		r.PinHashEnc = d.hashEnc(s.secret, a.pin)
	}
	d.clientPIN(a, s, r)
}

// guess tries PINs as one does who does not know it.
func (d *modelDriver) guess() {
	if !d.one(2) {
		return
	}
	for range 2 + d.IntN(9) {
		a := &modelPIN{sub: pick(d, ctap2.GetPINToken, ctap2.GetPinUvAuthTokenUsingPinWithPermissions, ctap2.ChangePIN), protocol: d.protocol, pin: "wrong", newPIN: "1234"}
		s := d.agreement(a.protocol)
		r := &ctap2.ClientPINRequest{PinHashEnc: d.hashEnc(s.secret, a.pin)}
		switch a.sub {
		case ctap2.GetPinUvAuthTokenUsingPinWithPermissions:
			a.permissions, a.rpID = ctap2.PermissionMC, modelRPIDs[0]
			r.Permissions, r.RPID = a.permissions, a.rpID
		case ctap2.ChangePIN:
			r.NewPinEnc = d.encrypt(s.secret, padded(a.newPIN))
			r.PinUvAuthParam = s.secret.Authenticate(append(bytes.Clone(r.NewPinEnc), r.PinHashEnc...))
		}
		d.clientPIN(a, s, r)
		if d.model.misses >= 3 && !d.one(3) {
			d.powerCycle()
		}
	}
}

func (d *modelDriver) retries() {
	a := &modelPIN{sub: pick(d, ctap2.GetPINRetries, ctap2.GetUVRetries, ctap2.GetKeyAgreement), protocol: pick(d, pinuv.One, pinuv.Two, 3)}
	d.clientPIN(a, &modelSecret{}, &ctap2.ClientPINRequest{})
}

// clientPIN completes and sends a request.
func (d *modelDriver) clientPIN(a *modelPIN, s *modelSecret, r *ctap2.ClientPINRequest) {
	r.SubCommand, r.PinUvAuthProtocol, r.KeyAgreement = a.sub, a.protocol, s.platform
	if a.badMAC {
		r.PinUvAuthParam[3] ^= 0x80
	}
	d.model.interrupt(ctap2.CommandClientPIN)
	want, token := d.model.clientPIN(a)
	status, b := d.request(r)
	got := status.Name()
	if status == 0 {
		response, err := ctap2.ParseClientPINResponse(b)
		if err != nil {
			d.t.Fatal(err)
		}
		got = d.pinText(a, s, response, token)
	}
	d.expect(a.sub.String(), a, want, got)
}

func (d *modelDriver) pinText(a *modelPIN, s *modelSecret, r *ctap2.ClientPINResponse, token *modelToken) string {
	switch {
	case r.PinUvAuthToken != nil && token != nil:
		b, err := s.secret.Decrypt(r.PinUvAuthToken)
		if err != nil {
			return err.Error()
		}
		if token.secret, err = pinuv.NewToken(a.protocol, b); err != nil {
			return err.Error()
		}
		d.tokens = append(d.tokens, token)
		d.tokens = d.tokens[max(0, len(d.tokens)-6):]
		return "a token"
	case r.PINRetries != nil && r.PowerCycleState != nil:
		return fmt.Sprintf("%d tries, power cycle %v", *r.PINRetries, *r.PowerCycleState)
	case r.PINRetries != nil:
		return fmt.Sprintf("%d tries", *r.PINRetries)
	case r.UVRetries != nil:
		return fmt.Sprintf("%d tries", *r.UVRetries)
	}
	return ""
}

func (d *modelDriver) selection() {
	d.model.interrupt(ctap2.CommandSelection)
	want := ctap2.StatusInvalidCommand.Name()
	if d.model.permissions {
		want = d.model.selection()
	}
	d.plain("selection", want, selection)
}

// reset is most useful when the key is blocked, and just after power-up.
func (d *modelDriver) reset() {
	if d.model.pinLeft > 0 && !d.one(3) {
		return
	}
	if !d.one(5) {
		d.powerCycle()
	}
	d.model.interrupt(ctap2.CommandReset)
	d.plain("reset", d.model.reset(), reset)
}

// plain is a command that answers with a status alone.
func (d *modelDriver) plain(command, want string, r request) {
	s, b := d.request(r)
	got := ""
	if s != 0 || len(b) > 0 {
		got = s.Name()
	}
	d.expect(command, nil, want, got)
}

func (d *modelDriver) powerCycle() {
	d.model.powerCycle()
	d.key.PowerCycle()
	d.expect("power cycle", nil, "", "")
}

// pass lets time pass.
func (d *modelDriver) pass() {
	t := pick(d, time.Second, 3*time.Second, 9*time.Second, 31*time.Second)
	if d.one(20) {
		t = 11 * time.Minute
	}
	d.clock.Advance(t)
	d.model.now += t
	d.expect("time", t, "", "")
}

// compareInfo compares what getInfo says of the state.
func (d *modelDriver) compareInfo() {
	d.model.interrupt(ctap2.CommandGetInfo)
	s, b := d.request(getInfo)
	if s != 0 {
		d.expect("getInfo", nil, d.model.infoText(), s.Name())
		return
	}
	r, err := ctap2.ParseGetInfoResponse(b)
	if err != nil {
		d.t.Fatal(err)
	}
	got := fmt.Sprintf("options %v", known(r.Options))
	if d.model.permissions {
		got += fmt.Sprintf(" min %d force %v room %d", r.MinPINLength, r.ForcePINChange, *r.RemainingDiscoverableCredentials)
	}
	if r.UvCountSinceLastPinEntry != nil {
		got += fmt.Sprintf(" uv %d", *r.UvCountSinceLastPinEntry)
	}
	d.expect("getInfo", nil, d.model.infoText(), got)
}

// known are the options that the model has an opinion of.
func known(all ctap2.InfoOptions) ctap2.InfoOptions {
	o := maps.Clone(all)
	for _, id := range []string{ctap2.OptionCredentialMgmtPreview, ctap2.OptionUserVerificationMgmtPreview} {
		delete(o, id)
	}
	return o
}

// infoText describes getInfo.
func (m *model) infoText() string {
	o := ctap2.InfoOptions{"rk": true, "up": true, "plat": false, "clientPin": m.pin != ""}
	if m.config.UV != virtual.WithoutUV {
		o["uv"] = m.uvReady()
	}
	if !m.permissions {
		return fmt.Sprintf("options %v", o)
	}
	m.addOptions(o)
	text := fmt.Sprintf("options %v min %d force %v room %d", o, m.policy.minPIN, m.policy.forceChange, m.config.MaxCredentials-len(m.stored()))
	if m.config.UV != virtual.WithoutUV && m.config.Profile == virtual.FIDO23 {
		text += fmt.Sprintf(" uv %d", m.uvCount)
	}
	return text
}

// addOptions adds those of CTAP 2.1 and later.
func (m *model) addOptions(o ctap2.InfoOptions) {
	o["makeCredUvNotRqd"] = !m.config.UVForEverything && !m.policy.alwaysUV
	o["pinUvAuthToken"] = true
	for _, option := range []struct {
		id      string
		present bool
		value   bool
	}{
		{"noMcGaPermissionsWithClientPin", m.config.NoPINForMcGa, true},
		{"alwaysUv", m.policy.alwaysUV || m.knows(ctap2.CommandConfig), m.policy.alwaysUV},
		{"credMgmt", m.knows(ctap2.CommandCredentialManagement), true},
		{"perCredMgmtRO", m.knows(ctap2.CommandCredentialManagement) && m.config.Profile == virtual.FIDO23, true},
		{"largeBlobs", m.knows(ctap2.CommandLargeBlobs), true},
		{"authnrCfg", m.knows(ctap2.CommandConfig), true},
		{"setMinPINLength", m.knows(ctap2.CommandConfig), true},
		{"uvAcfg", m.knows(ctap2.CommandConfig) && m.config.UVAcfg, true},
		{"bioEnroll", m.knows(ctap2.CommandBioEnrollment), len(m.fingers) > 0},
		{"uvBioEnroll", m.knows(ctap2.CommandBioEnrollment) && m.config.UVBioEnroll, true},
		{"ep", m.knows(ctap2.CommandConfig) && m.config.Enterprise != nil, m.policy.enterprise},
	} {
		if option.present {
			o[option.id] = option.value
		}
	}
}
