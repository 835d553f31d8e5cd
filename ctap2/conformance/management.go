package conformance

import (
	"crypto/sha256"
	"fmt"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/pinuv"
)

// manager is a key whose passkeys a case manages. If the key can have a PIN,
// pin1 is set.
type manager struct {
	*messages
	p       pinuv.Protocol
	command ctap2.Command
	made    []*credential // by make, in order
}

// eachManaged makes a case of one that is run for each protocol, by the command
// that the key has: the preview only if there is no other.
func eachManaged(f func(g *manager)) func(*C) {
	return func(c *C) {
		m := c.open()
		command := ctap2.CommandCredentialManagement
		if !m.option(ctap2.OptionCredMgmt) {
			command = ctap2.CommandCredentialManagementPreview
		}
		c.managed(m, command, f)
	}
}

func (c *C) managed(m *messages, command ctap2.Command, f func(g *manager)) {
	c.Helper()
	m.needRK()
	if command == ctap2.CommandCredentialManagementPreview {
		m.needOption(ctap2.OptionCredentialMgmtPreview)
	}
	for i, p := range m.protocols() {
		if i > 0 {
			c.fresh()
			m = c.open()
		}
		g := &manager{messages: m, p: p, command: command}
		g.prepare()
		f(g)
		if c.Failed() {
			c.Logf("with %v, by %v", p, command)
			return
		}
	}
}

// prepare sets the PIN.
func (g *manager) prepare() {
	g.c.Helper()
	switch _, pin := g.info.Options[ctap2.OptionClientPIN]; {
	case pin:
		g.mustSetPIN(g.p, g.pin1())
	case !g.c.uv:
		g.c.NotApplicable("the key verifies no user")
	}
}

// authorize gets a token for the permissions, and the relying party if rp is not
// empty, by the way that the key has. The preview is older than permissions.
func (g *manager) authorize(perms ctap2.Permissions, rp string) *pinuv.Token {
	g.c.Helper()
	const use = ctap2.PermissionMC | ctap2.PermissionGA
	switch {
	case !g.option(ctap2.OptionClientPIN), g.option(ctap2.OptionNoMcGaPermissionsWithClientPin) && perms&use != 0:
		return g.needToken(g.tokenByUV(g.p, perms, rp))
	case !g.option(ctap2.OptionPinUvAuthToken), perms == ctap2.PermissionCM && g.command == ctap2.CommandCredentialManagementPreview:
		perms, rp = 0, ""
	}
	return g.needToken(g.token(g.p, g.pin1(), perms, rp))
}

// manages gets a token that is good for every subcommand.
func (g *manager) manages() *pinuv.Token {
	g.c.Helper()
	return g.authorize(ctap2.PermissionCM, "")
}

// make makes a passkey for the n-th account of the relying party, with
// extensions if there are any.
func (g *manager) make(rp string, n int, extensions object) *credential {
	g.c.Helper()
	p := g.c.passkey(n).with(2, object{"id": rp, "name": "Conformance"}).with(7, object{"rk": true})
	if len(extensions) > 0 {
		p = p.with(6, extensions)
	}
	k := g.messages.make(authorizeMC(p, g.authorize(ctap2.PermissionMC, rp)))
	g.made = append(g.made, k)
	return k
}

// asserts demands an assertion by the passkey of rpID.
func (g *manager) asserts(k *credential) {
	g.c.Helper()
	g.get(authorizeGA(g.c.ga(k), g.authorize(ctap2.PermissionGA, rpID)), k)
}

// The parameters of the subcommands.
func ofRP(rp string) params { h := sha256.Sum256([]byte(rp)); return params{1: h[:]} }

func ofCredential(id []byte) params { return params{2: descriptor(id)} }

func ofUser(id []byte, user object) params { return params{2: descriptor(id), 3: user} }

// manage sends a subcommand, with the proof of the token if there is one.
func (g *manager) manage(t *pinuv.Token, sub ctap2.CredentialManagementSubCommand, sp params) (ctap2.Status, *ctap2.CredentialManagementResponse) {
	g.c.Helper()
	p := params{1: sub}
	message := []byte{byte(sub)}
	if sp != nil {
		p[2] = sp
		b, err := cbor.Append(message, sp)
		if err != nil {
			g.c.Fatal(err)
		}
		message = b
	}
	if t != nil {
		p[3], p[4] = t.Protocol(), t.Authenticate(message)
	}
	s, b := g.plain(g.command, p)
	if s != ctap2.StatusSuccess {
		return s, nil
	}
	r, err := ctap2.ParseCredentialManagementResponse(b)
	if err != nil {
		g.c.Fatal(err)
	}
	return s, r
}

// must sends a subcommand that must succeed.
func (g *manager) must(t *pinuv.Token, sub ctap2.CredentialManagementSubCommand, sp params) *ctap2.CredentialManagementResponse {
	g.c.Helper()
	s, r := g.manage(t, sub, sp)
	if s != ctap2.StatusSuccess {
		g.c.Fatalf("%v: %s", sub, s.Name())
	}
	return r
}

// denied sends a subcommand that must end with one of these statuses.
func (g *manager) denied(t *pinuv.Token, sub ctap2.CredentialManagementSubCommand, sp params, accept ...ctap2.Status) {
	g.c.Helper()
	s, _ := g.manage(t, sub, sp)
	if g.c.Failed() {
		return
	}
	if g.accept(s, accept...); g.c.Failed() {
		g.c.Logf("%v %v", sub, sp)
	}
}

// counts returns getCredsMetadata's answer.
func (g *manager) counts(t *pinuv.Token) (existing, remaining uint) {
	g.c.Helper()
	r := g.must(t, ctap2.GetCredsMetadata, nil)
	if r.ExistingResidentCredentialsCount == nil || r.MaxPossibleRemainingResidentCredentialsCount == nil {
		g.c.Fatal("a count is missing")
	}
	return *r.ExistingResidentCredentialsCount, *r.MaxPossibleRemainingResidentCredentialsCount
}

// rps lists the relying parties by the hashes of their IDs.
func (g *manager) rps(t *pinuv.Token) map[[32]byte]string {
	g.c.Helper()
	all := map[[32]byte]string{}
	s, r := g.manage(t, ctap2.EnumerateRPsBegin, nil)
	if g.empty(s, r, func(r *ctap2.CredentialManagementResponse) *uint { return r.TotalRPs }) {
		return all
	}
	if r.TotalRPs == nil {
		g.c.Fatal("totalRPs is missing")
	}
	for i := range *r.TotalRPs {
		if i > 0 {
			if r = g.must(nil, ctap2.EnumerateRPsGetNextRP, nil); r.TotalRPs != nil {
				g.c.Errorf("totalRPs comes again")
			}
		}
		if len(r.RPIDHash) != 32 || r.RP == nil {
			g.c.Fatalf("relying party %d: %+v", i, r)
		}
		all[[32]byte(r.RPIDHash)] = r.RP.ID
	}
	g.denied(nil, ctap2.EnumerateRPsGetNextRP, nil, ctap2.StatusNotAllowed, ctap2.StatusNoCredentials)
	return all
}

// passkeys lists the credentials of a relying party by their IDs.
func (g *manager) passkeys(t *pinuv.Token, rp string) map[string]*ctap2.CredentialManagementResponse {
	g.c.Helper()
	all := map[string]*ctap2.CredentialManagementResponse{}
	s, r := g.manage(t, ctap2.EnumerateCredentialsBegin, ofRP(rp))
	if g.empty(s, r, func(r *ctap2.CredentialManagementResponse) *uint { return r.TotalCredentials }) {
		return all
	}
	if r.TotalCredentials == nil {
		g.c.Fatal("totalCredentials is missing")
	}
	for i := range *r.TotalCredentials {
		if i > 0 {
			if r = g.must(nil, ctap2.EnumerateCredentialsGetNextCredential, nil); r.TotalCredentials != nil {
				g.c.Errorf("totalCredentials comes again")
			}
		}
		if r.CredentialID == nil || r.User == nil || r.PublicKey == nil {
			g.c.Fatalf("credential %d: %+v", i, r)
		}
		all[string(r.CredentialID.ID)] = r
	}
	g.denied(nil, ctap2.EnumerateCredentialsGetNextCredential, nil, ctap2.StatusNotAllowed, ctap2.StatusNoCredentials)
	return all
}

// empty takes the answer to the beginning of an enumeration and reports whether
// there is nothing to list: a status, or as some keys say it, a total of zero.
func (g *manager) empty(s ctap2.Status, r *ctap2.CredentialManagementResponse, total func(*ctap2.CredentialManagementResponse) *uint) bool {
	g.c.Helper()
	if s != ctap2.StatusSuccess {
		g.accept(s, ctap2.StatusNoCredentials)
		return true
	}
	if n := total(r); n != nil && *n > 0 {
		return false
	}
	if g.c.Key.Strict {
		g.c.Errorf("an empty list is announced with success instead of %s", ctap2.StatusNoCredentials.Name())
	}
	g.c.Observe("an empty list is announced with success")
	return true
}

// holds demands that the key lists exactly these passkeys for the relying party.
func (g *manager) holds(t *pinuv.Token, rp string, want ...*credential) map[string]*ctap2.CredentialManagementResponse {
	g.c.Helper()
	all := g.passkeys(t, rp)
	if len(all) != len(want) {
		g.c.Errorf("%d passkeys of %s are listed instead of %d", len(all), rp, len(want))
	}
	for _, k := range want {
		if all[string(k.id)] == nil {
			g.c.Errorf("the passkey %x is not listed", k.id)
		}
	}
	return all
}

// site is the n-th of several relying parties.
func site(n int) string { return fmt.Sprintf("site-%d.example", n) }
