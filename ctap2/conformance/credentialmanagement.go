package conformance

import (
	"bytes"
	"crypto/sha256"
	"slices"
	"strings"
	"time"

	"github.com/gofido/fido/ctap2"
)

// Section 16: credentialManagement, each case for every protocol of the key.
// CM-14 and CM-15 are about hosts.
var credentialManagementCases = []Case{
	{ID: "CM-1", Title: "the counts of passkeys add up", Run: eachManaged(cm1)},
	{ID: "CM-2", Title: "every relying party is listed once, with its ID and the hash", Takes: 2 * time.Second, Run: eachManaged(cm2)},
	{ID: "CM-3", Title: "a key without passkeys has nothing to list", Run: eachManaged(cm3)},
	{ID: "CM-4", Title: "every passkey is listed with its members", Run: eachManaged(cm4)},
	{ID: "CM-5", Title: "nothing is continued that was not begun", Run: eachManaged(cm5)},
	{ID: "CM-6", Title: "wrong MACs are refused and cost nothing", Run: eachManaged(cm6)},
	{ID: "CM-7", Title: "nothing is told or changed without a token", Run: eachManaged(cm7)},
	{ID: "CM-8", Title: "a deleted passkey is gone, its siblings are not", Run: eachManaged(cm8)},
	{ID: "CM-9", Title: "the names of an account can be changed, the account can't", Run: eachManaged(cm9)},
	{ID: "CM-10", Title: "a token for one relying party manages no other", Run: eachManaged(cm10)},
	{ID: "CM-11", Title: "a passkey that is deleted while they are listed is not listed", Run: eachManaged(cm11)},
	{ID: "CM-12", Title: "a list is to be continued within 30 seconds", Takes: 31 * time.Second, Run: eachManaged(cm12)},
	{ID: "CM-13", Title: "the preview command does the same", Takes: 2 * time.Second, Run: cm13},
}

func cm1(g *manager) {
	before, room := g.counts(g.manages())
	if before != 0 {
		g.c.Errorf("a key in factory state has %d passkeys", before)
	}
	g.messages.make(authorizeMC(g.c.mc(), g.authorize(ctap2.PermissionMC, rpID))) // which does not count
	for n := range 3 {
		g.make([]string{rpID, site(1)}[n%2], n, nil)
	}
	t := g.manages()
	after, left := g.counts(t)
	if after != 3 {
		g.c.Errorf("three passkeys are counted as %d", after)
	}
	if left >= room {
		g.c.Errorf("there was room for %d and is for %d", room, left)
	}
	g.c.Observe("three passkeys take room for %d", room-left)
	g.must(t, ctap2.DeleteCredential, ofCredential(g.made[0].id))
	if n, again := g.counts(t); n != 2 || again < left {
		g.c.Errorf("after a deletion there are %d, and room for %d", n, again)
	}
}

func cm2(g *manager) {
	_, room := g.counts(g.manages())
	var sites []string
	for n := range int(min(room-1, 12)) {
		sites = append(sites, site(n))
		g.make(site(n), 1, nil)
	}
	g.make(site(0), 2, nil)
	got := g.rps(g.manages())
	if len(got) != len(sites) {
		g.c.Errorf("%d relying parties are listed instead of %d", len(got), len(sites))
	}
	for _, s := range sites {
		switch id, ok := got[sha256.Sum256([]byte(s))]; {
		case !ok:
			g.c.Errorf("%s is not listed", s)
		case id == s:
		case g.c.Key.Strict || id == "":
			g.c.Errorf("%s is listed as %q", s, id)
		default:
			g.c.Observe("%s is listed as %q", s, id)
		}
	}
}

func cm3(g *manager) {
	t := g.manages()
	if n := len(g.rps(t)); n != 0 {
		g.c.Errorf("%d relying parties are listed", n)
	}
	g.holds(t, rpID)
	g.make(rpID, 1, nil)
	g.holds(g.manages(), site(1))
}

func cm4(g *manager) {
	extensions, inputs := object{}, object{ctap2.ExtensionCredProtect: 2, ctap2.ExtensionLargeBlobKey: true, ctap2.ExtensionThirdPartyPayment: true}
	for id, input := range inputs {
		if g.extension(id) {
			extensions[id] = input
		}
	}
	plain, rich := g.make(rpID, 1, nil), g.make(rpID, 2, extensions)
	g.make(site(1), 3, nil)
	all := g.holds(g.manages(), rpID, plain, rich)
	if g.c.Failed() {
		return
	}
	for n, k := range []*credential{plain, rich} {
		r := all[string(k.id)]
		if id := []byte{byte(n + 1), 0xaa}; !bytes.Equal(r.User.ID, id) {
			g.c.Errorf("the user's ID is %x instead of %x", r.User.ID, id)
		}
		if name := "user" + string(rune('b'+n)); r.User.Name != name || r.User.DisplayName != "User" {
			g.c.Observe("the names are %q and %q instead of %q and %q", r.User.Name, r.User.DisplayName, name, "User")
			if g.c.Key.Strict {
				g.c.Error("the names are not those that were stored")
			}
		}
		if r.CredentialID.Type != ctap2.TypePublicKey {
			g.c.Errorf("the type of the credential is %q", r.CredentialID.Type)
		}
		if want := k.resp.AuthData.AttestedCredentialData.PublicKey; r.PublicKey.Alg != want.Alg || !equalKeys(r.PublicKey, want) {
			g.c.Errorf("the public key is %x instead of %x", r.PublicKey.Raw, want.Raw)
		}
		g.extras(r, k, extensions, n == 1)
	}
}

// extras looks at the members that extensions add to a listed passkey. with says
// that it was made with them.
func (g *manager) extras(r *ctap2.CredentialManagementResponse, k *credential, extensions object, with bool) {
	g.c.Helper()
	protect, payment := ctap2.CredProtect(0), r.ThirdPartyPayment != nil && *r.ThirdPartyPayment
	if extensions[ctap2.ExtensionCredProtect] != nil {
		if protect = 1; with {
			protect = 2
		}
	}
	if r.CredProtect != protect {
		if protect != 1 || r.CredProtect > 3 || g.c.Key.Strict {
			g.c.Errorf("credProtect is %d instead of %d", r.CredProtect, protect)
		}
		g.c.Observe("without the extension credProtect is %d", r.CredProtect)
	}
	if with && !bytes.Equal(r.LargeBlobKey, k.resp.LargeBlobKey) || !with && len(r.LargeBlobKey) > 0 {
		g.c.Errorf("largeBlobKey has %d bytes and is not that of the credential", len(r.LargeBlobKey))
	}
	if want := with && extensions[ctap2.ExtensionThirdPartyPayment] != nil; payment != want {
		g.c.Errorf("thirdPartyPayment is %v instead of %v", payment, want)
	}
}

func cm5(g *manager) {
	const notAllowed, noCredentials = ctap2.StatusNotAllowed, ctap2.StatusNoCredentials
	nexts := []ctap2.CredentialManagementSubCommand{ctap2.EnumerateRPsGetNextRP, ctap2.EnumerateCredentialsGetNextCredential}
	for _, next := range nexts {
		g.denied(nil, next, nil, notAllowed, noCredentials)
	}
	for n := range 2 {
		g.make(rpID, n, nil)
	}
	g.make(site(1), 2, nil)
	t := g.manages()
	for _, next := range nexts {
		g.denied(nil, next, nil, notAllowed, noCredentials)
	}
	begins := []func(){
		func() { g.must(t, ctap2.EnumerateRPsBegin, nil) },
		func() { g.must(t, ctap2.EnumerateCredentialsBegin, ofRP(rpID)) },
	}
	for i := range begins {
		begins[i]()
		g.denied(nil, nexts[1-i], nil, notAllowed, noCredentials)
		begins[i]()
		begins[1-i]()
		s, _ := g.manage(nil, nexts[i], nil)
		g.either(s, notAllowed, noCredentials, ctap2.StatusSuccess)
		begins[i]()
		g.must(nil, nexts[i], nil)
		g.denied(nil, nexts[i], nil, notAllowed, noCredentials)
		begins[i]()
		g.refresh()
		s, _ = g.manage(nil, nexts[i], nil)
		g.either(s, notAllowed, noCredentials, ctap2.StatusSuccess)
	}
}

func cm6(g *manager) {
	k := g.make(rpID, 1, nil)
	_, pin := g.info.Options[ctap2.OptionClientPIN]
	var before uint
	t := g.manages()
	if pin {
		before, _ = g.retries()
	}
	for range 4 {
		for _, sub := range []ctap2.CredentialManagementSubCommand{ctap2.GetCredsMetadata, ctap2.EnumerateRPsBegin, ctap2.EnumerateCredentialsBegin, ctap2.DeleteCredential} {
			sp := params{}
			switch sub {
			case ctap2.EnumerateCredentialsBegin:
				sp = ofRP(rpID)
			case ctap2.DeleteCredential:
				sp = ofCredential(k.id)
			}
			mac := t.Authenticate([]byte("something else"))
			s, _ := g.plain(g.command, params{1: sub, 2: sp, 3: t.Protocol(), 4: mac})
			// Keys that count wrong MACs as wrong PINs exist.
			g.accept(s, ctap2.StatusPINAuthInvalid, ctap2.StatusPINAuthBlocked)
		}
	}
	if pin {
		if after, _ := g.retries(); after != before {
			if g.c.Key.Strict {
				g.c.Errorf("there were %d retries and are %d", before, after)
			}
			g.c.Observe("wrong MACs cost %d retries", before-after)
			return
		}
	}
	g.holds(t, rpID, k)
}

func cm7(g *manager) {
	k := g.make(rpID, 1, nil)
	all := []struct {
		sub ctap2.CredentialManagementSubCommand
		sp  params
	}{
		{ctap2.GetCredsMetadata, nil}, {ctap2.EnumerateRPsBegin, nil}, {ctap2.EnumerateCredentialsBegin, ofRP(rpID)},
		{ctap2.DeleteCredential, ofCredential(k.id)}, {ctap2.UpdateUserInformation, ofUser(k.id, object{"id": []byte{1, 0xaa}})},
	}
	if g.command == ctap2.CommandCredentialManagementPreview {
		all = all[:4]
	}
	for _, a := range all {
		g.denied(nil, a.sub, a.sp, ctap2.StatusPUATRequired, ctap2.StatusMissingParameter)
	}
	g.holds(g.manages(), rpID, k)
	// With the proof, parameters can be missing.
	for _, a := range all[2:] {
		g.denied(g.manages(), a.sub, nil, ctap2.StatusMissingParameter)
	}
	t := g.manages()
	message := []byte{byte(ctap2.GetCredsMetadata)}
	s, _ := g.plain(g.command, params{1: ctap2.GetCredsMetadata, 4: t.Authenticate(message)})
	g.accept(s, ctap2.StatusMissingParameter)
	s, _ = g.plain(g.command, params{1: ctap2.GetCredsMetadata, 3: 7, 4: t.Authenticate(message)})
	g.accept(s, g.unknownProtocol()...)
	// A key without a PIN is no more open.
	if !g.c.uv {
		g.c.fresh()
		g.messages = g.c.open()
		g.denied(nil, ctap2.GetCredsMetadata, nil, ctap2.StatusPUATRequired, ctap2.StatusPINNotSet, ctap2.StatusMissingParameter)
	}
}

func cm8(g *manager) {
	for n := range 3 {
		g.make(rpID, n, nil)
	}
	one, two, three := g.made[0], g.made[1], g.made[2]
	t := g.manages()
	g.denied(t, ctap2.DeleteCredential, ofCredential([]byte("no such credential")), ctap2.StatusNoCredentials, ctap2.StatusInvalidCredential)
	g.must(t, ctap2.DeleteCredential, ofCredential(two.id))
	g.holds(t, rpID, one, three)
	g.denied(t, ctap2.DeleteCredential, ofCredential(two.id), ctap2.StatusNoCredentials, ctap2.StatusInvalidCredential)
	g.asserts(one)
	g.asserts(three)
	gone := authorizeGA(g.c.ga(two), g.authorize(ctap2.PermissionGA, rpID))
	g.refused(ctap2.CommandGetAssertion, gone, ctap2.StatusNoCredentials, ctap2.StatusInvalidCredential)
	t = g.manages()
	g.must(t, ctap2.DeleteCredential, ofCredential(three.id))
	g.must(t, ctap2.DeleteCredential, ofCredential(one.id))
	g.holds(t, rpID)
	if n, _ := g.counts(t); n != 0 {
		g.c.Errorf("%d passkeys are left", n)
	}
	any := authorizeGA(g.c.ga(), g.authorize(ctap2.PermissionGA, rpID))
	g.refused(ctap2.CommandGetAssertion, any, ctap2.StatusNoCredentials)
}

func cm9(g *manager) {
	if g.command == ctap2.CommandCredentialManagementPreview {
		g.c.NotApplicable("the preview has no updateUserInformation")
	}
	k, sibling := g.make(rpID, 1, nil), g.make(rpID, 2, nil)
	id := []byte{1, 0xaa}
	t := g.manages()
	for _, test := range []struct {
		user          object
		name, display string
	}{
		{object{"id": id, "name": "new name", "displayName": "New Name"}, "new name", "New Name"},
		{object{"id": id, "name": "another"}, "another", ""},
		{object{"id": id, "displayName": "Another"}, "", "Another"},
		{object{"id": id, "name": "", "displayName": ""}, "", ""},
		{object{"id": id, "name": strings.Repeat("n", 64), "displayName": strings.Repeat("d", 64)}, strings.Repeat("n", 64), strings.Repeat("d", 64)},
	} {
		g.must(t, ctap2.UpdateUserInformation, ofUser(k.id, test.user))
		all := g.holds(t, rpID, k, sibling)
		if g.c.Failed() {
			return
		}
		r := all[string(k.id)]
		if !bytes.Equal(r.User.ID, id) || r.User.Name != test.name || r.User.DisplayName != test.display {
			g.c.Errorf("the user is %+v after an update to %v", r.User, test.user)
		}
		if want := k.resp.AuthData.AttestedCredentialData.PublicKey; !equalKeys(r.PublicKey, want) {
			g.c.Errorf("the public key is %x instead of %x", r.PublicKey.Raw, want.Raw)
		}
		if u := all[string(sibling.id)].User; !bytes.Equal(u.ID, []byte{2, 0xaa}) || u.Name != "userc" {
			g.c.Errorf("another account is %+v now", u)
		}
	}
	g.denied(t, ctap2.UpdateUserInformation, ofUser(k.id, object{"id": []byte{9}, "name": "x"}), ctap2.StatusInvalidParameter)
	g.denied(t, ctap2.UpdateUserInformation, ofUser([]byte("no such credential"), object{"id": id, "name": "x"}), ctap2.StatusNoCredentials, ctap2.StatusInvalidCredential)
	g.asserts(k)
}

func cm10(g *manager) {
	g.needPermissions()
	if g.command == ctap2.CommandCredentialManagementPreview {
		g.c.NotApplicable("the preview knows no permissions")
	}
	const refused = ctap2.StatusPINAuthInvalid
	mine, yours := g.make(rpID, 1, nil), g.make(site(1), 2, nil)
	bound := g.authorize(ctap2.PermissionCM, rpID)
	g.denied(bound, ctap2.GetCredsMetadata, nil, refused)
	g.denied(bound, ctap2.EnumerateRPsBegin, nil, refused)
	g.denied(bound, ctap2.EnumerateCredentialsBegin, ofRP(site(1)), refused)
	// Whether its own passkeys may be listed can be read both ways.
	s, _ := g.manage(bound, ctap2.EnumerateCredentialsBegin, ofRP(rpID))
	g.either(s, ctap2.StatusSuccess, refused)
	g.denied(bound, ctap2.UpdateUserInformation, ofUser(yours.id, object{"id": []byte{2, 0xaa}, "name": "x"}), refused)
	g.denied(bound, ctap2.DeleteCredential, ofCredential(yours.id), refused)
	g.denied(bound, ctap2.DeleteCredential, ofCredential([]byte("no such credential")), refused, ctap2.StatusNoCredentials)
	g.must(bound, ctap2.UpdateUserInformation, ofUser(mine.id, object{"id": []byte{1, 0xaa}, "name": "x"}))
	g.must(bound, ctap2.DeleteCredential, ofCredential(mine.id))
	wrong := g.authorize(ctap2.PermissionGA, rpID)
	g.denied(wrong, ctap2.GetCredsMetadata, nil, refused)
	g.denied(wrong, ctap2.DeleteCredential, ofCredential(yours.id), refused)
	t := g.manages()
	g.holds(t, rpID)
	g.holds(t, site(1), yours)
}

func cm11(g *manager) {
	for n := range 3 {
		g.make(rpID, n, nil)
	}
	t := g.manages()
	first := g.must(t, ctap2.EnumerateCredentialsBegin, ofRP(rpID)).CredentialID
	if first == nil {
		g.c.Fatal("credentialID is missing")
	}
	left := slices.DeleteFunc(slices.Clone(g.made), func(k *credential) bool { return bytes.Equal(k.id, first.ID) })
	if len(left) != 2 {
		g.c.Fatalf("the passkey %x is none of those that were made", first.ID)
	}
	g.must(t, ctap2.DeleteCredential, ofCredential(left[0].id))
	s, r := g.manage(nil, ctap2.EnumerateCredentialsGetNextCredential, nil)
	g.either(s, ctap2.StatusNotAllowed, ctap2.StatusNoCredentials, ctap2.StatusSuccess)
	if s == ctap2.StatusSuccess && (r.CredentialID == nil || bytes.Equal(r.CredentialID.ID, left[0].id)) {
		g.c.Errorf("a deleted passkey is listed: %+v", r)
	}
	g.holds(t, rpID, slices.DeleteFunc(g.made, func(k *credential) bool { return k == left[0] })...)
}

func cm12(g *manager) {
	for n := range 3 {
		g.make([]string{rpID, rpID, site(1)}[n], n, nil)
	}
	t := g.manages()
	g.must(t, ctap2.EnumerateCredentialsBegin, ofRP(rpID))
	time.Sleep(31 * time.Second)
	// Only getNextAssertion must give up.
	s, _ := g.manage(nil, ctap2.EnumerateCredentialsGetNextCredential, nil)
	g.accept(s, ctap2.StatusNotAllowed, ctap2.StatusSuccess)
	if g.c.fixture.VirtualTime {
		t = g.manages()
		g.must(t, ctap2.EnumerateRPsBegin, nil)
		time.Sleep(25 * time.Second)
		g.must(nil, ctap2.EnumerateRPsGetNextRP, nil)
	}
}

// cm13 repeats what the preview has in common with the command.
func cm13(c *C) {
	for i, f := range []func(*manager){cm1, cm2, cm3, cm4, cm5, cm6, cm7, cm8, cm11} {
		if i > 0 {
			c.fresh()
		}
		c.managed(c.open(), ctap2.CommandCredentialManagementPreview, f)
		if c.Failed() {
			return
		}
	}
	c.fresh()
	c.managed(c.open(), ctap2.CommandCredentialManagementPreview, func(g *manager) {
		k := g.make(rpID, 1, nil)
		if s, _ := g.manage(g.manages(), ctap2.UpdateUserInformation, ofUser(k.id, object{"id": []byte{1, 0xaa}, "name": "x"})); s == ctap2.StatusSuccess {
			c.Observe("the preview changes names, too")
		} else {
			g.accept(s, append(g.unknownSubCommand(), ctap2.StatusInvalidCommand)...)
		}
	})
}
