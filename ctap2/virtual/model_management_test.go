package virtual_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/virtual"
)

// modelManagement is a credentialManagement.
type modelManagement struct {
	sub        ctap2.CredentialManagementSubCommand
	rpID       string           // "": no rpIDHash
	credential *modelCredential // nil: an unknown one
	user       ctap2.PublicKeyCredentialUserEntity
	noParams   bool // what the subcommand needs is missing
	proof      modelProof
	session    uint64
}

// The states of the two enumerations.
type (
	modelRPs         struct{ rest []string }
	modelCredentials struct{ rest []*modelCredential }
)

// credentialManagement is section 6.8. The credential is the one that is listed.
func (m *model) credentialManagement(a *modelManagement) (string, *modelCredential) {
	status := func(s ctap2.Status) (string, *modelCredential) { return s.Name(), nil }
	if !m.knows(ctap2.CommandCredentialManagement) {
		return status(ctap2.StatusInvalidCommand)
	}
	switch a.sub {
	case ctap2.EnumerateRPsGetNextRP:
		return m.nextRP(a), nil
	case ctap2.EnumerateCredentialsGetNextCredential:
		return m.nextCredential(a)
	}
	m.sequence = nil
	if a.sub > ctap2.UpdateUserInformation {
		return status(ctap2.StatusInvalidSubcommand)
	}
	bound, s := m.managing(a)
	if s != 0 {
		return status(s)
	}
	by := a.proof.token
	if by.generation != 0 {
		by = nil
	}
	switch a.sub {
	case ctap2.GetCredsMetadata:
		if bound != "" {
			return status(ctap2.StatusPINAuthInvalid)
		}
		n := len(m.stored())
		return fmt.Sprintf("%d and room for %d", n, m.config.MaxCredentials-n), nil
	case ctap2.EnumerateRPsBegin:
		return m.listRPs(a, by, bound), nil
	case ctap2.EnumerateCredentialsBegin:
		return m.listCredentials(a, by, bound)
	}
	c := a.credential
	switch {
	case c == nil || c.gone || !c.discoverable || bound != "" && c.rpID != bound:
		if bound != "" {
			return status(ctap2.StatusPINAuthInvalid)
		}
		return status(ctap2.StatusNoCredentials)
	case a.sub == ctap2.DeleteCredential:
		c.gone = true
	case !bytes.Equal(a.user.ID, c.user.ID):
		return status(ctap2.StatusInvalidParameter)
	default:
		c.user = a.user
	}
	return "", nil
}

// managing is the check of the proof. bound is the relying party of the token.
func (m *model) managing(a *modelManagement) (bound string, s ctap2.Status) {
	reads := a.sub < ctap2.DeleteCredential
	t := a.proof.token
	switch {
	case a.proof.kind == modelNoProof:
		return "", ctap2.StatusPUATRequired
	case a.noParams && a.sub >= ctap2.EnumerateCredentialsBegin:
		return "", ctap2.StatusMissingParameter
	}
	if s := m.checkProtocol(a.proof); s != 0 {
		return "", s
	}
	if t != nil && t.generation != 0 {
		if reads && t.generation == m.generation && a.proof.kind == modelRightMAC && a.proof.protocol == t.protocol {
			return "", 0
		}
		return "", ctap2.StatusPINAuthInvalid
	}
	if s := m.managed(a.proof, ctap2.PermissionCM); s != 0 {
		return "", s
	}
	return t.rpID, 0
}

func (m *model) listRPs(a *modelManagement, by *modelToken, bound string) string {
	var all []string
	for _, c := range slices.Backward(m.stored()) {
		if !slices.Contains(all, c.rpID) {
			all = append(all, c.rpID)
		}
	}
	switch {
	case bound != "":
		return ctap2.StatusPINAuthInvalid.Name()
	case len(all) == 0:
		return ctap2.StatusNoCredentials.Name()
	}
	m.begin(ctap2.CommandCredentialManagement, a.session, by, &modelRPs{all[1:]})
	return fmt.Sprintf("%s of %d", all[0], len(all))
}

func (m *model) listCredentials(a *modelManagement, by *modelToken, bound string) (string, *modelCredential) {
	var all []*modelCredential
	for _, c := range slices.Backward(m.stored()) {
		if c.rpID == a.rpID {
			all = append(all, c)
		}
	}
	switch {
	case bound != "" && bound != a.rpID:
		return ctap2.StatusPINAuthInvalid.Name(), nil
	case len(all) == 0:
		return ctap2.StatusNoCredentials.Name(), nil
	}
	m.begin(ctap2.CommandCredentialManagement, a.session, by, &modelCredentials{all[1:]})
	return fmt.Sprintf("%s of %d", m.listed(all[0]), len(all)), all[0]
}

// another ends an enumeration of the other kind.
func another[S any](m *model, session uint64) (S, bool) {
	if s := m.sequence; s != nil && s.session == session {
		if _, ok := s.state.(S); !ok {
			m.sequence = nil
		}
	}
	s, ok := m.resume(ctap2.CommandCredentialManagement, session).(S)
	return s, ok
}

func (m *model) nextRP(a *modelManagement) string {
	s, ok := another[*modelRPs](m, a.session)
	if !ok || len(s.rest) == 0 {
		return ctap2.StatusNotAllowed.Name()
	}
	rpID := s.rest[0]
	s.rest = s.rest[1:]
	return rpID + " of 0"
}

func (m *model) nextCredential(a *modelManagement) (string, *modelCredential) {
	s, ok := another[*modelCredentials](m, a.session)
	if !ok || len(s.rest) == 0 {
		return ctap2.StatusNotAllowed.Name(), nil
	}
	c := s.rest[0]
	s.rest = s.rest[1:]
	return m.listed(c) + " of 0", c
}

// listed is what a listing says of a credential.
func (m *model) listed(c *modelCredential) string {
	text := fmt.Sprintf("%s/%s/%s protect %d blob key %v", c.user.ID, c.user.Name, c.user.DisplayName, c.protect, c.blobKey)
	if m.config.Profile == virtual.FIDO23 {
		text += fmt.Sprint(" payment ", c.payment)
	}
	return text
}

func (d *modelDriver) manageCredentials() {
	m := d.model
	a := &modelManagement{sub: ctap2.CredentialManagementSubCommand(1 + d.IntN(7)), noParams: d.one(40), session: d.session, rpID: pick(d, modelRPIDs...)}
	if d.one(60) {
		a.sub = 8
	}
	if m.sequence != nil && m.sequence.by == ctap2.CommandCredentialManagement && !d.one(4) {
		a.sub = ctap2.EnumerateCredentialsGetNextCredential
		if _, ok := m.sequence.state.(*modelRPs); ok {
			a.sub = ctap2.EnumerateRPsGetNextRP
		}
	}
	r := &ctap2.CredentialManagementRequest{SubCommand: a.sub, SubCommandParams: new(ctap2.CredentialManagementParams)}
	p := r.SubCommandParams
	switch {
	case a.noParams, a.sub < ctap2.EnumerateCredentialsBegin:
		r.SubCommandParams = nil
	case a.sub == ctap2.EnumerateCredentialsBegin:
		sum := sha256.Sum256([]byte(a.rpID))
		p.RPIDHash = sum[:]
	case a.sub >= ctap2.DeleteCredential:
		a.credential = d.credentials(1, a.rpID)[0]
		p.CredentialID = &d.list([]*modelCredential{a.credential})[0]
		if a.sub == ctap2.UpdateUserInformation {
			a.user = ctap2.PublicKeyCredentialUserEntity{ID: []byte("nobody"), Name: fmt.Sprint("renamed ", d.IntN(100))}
			if a.credential != nil && !d.one(10) {
				a.user.ID = a.credential.user.ID
			}
			p.User = &a.user
		}
	}
	permission := ctap2.PermissionCM
	if a.sub < ctap2.DeleteCredential && m.config.Profile == virtual.FIDO23 && d.one(3) {
		permission = ctap2.PermissionPCMR
	}
	if a.sub != ctap2.EnumerateRPsGetNextRP && a.sub != ctap2.EnumerateCredentialsGetNextCredential {
		a.proof = d.drawProof(permission, pick(d, "", "", "", "", a.rpID))
		message, err := r.Message()
		if err != nil {
			d.t.Fatal(err)
		}
		a.proof.set(message, &r.PinUvAuthParam, &r.PinUvAuthProtocol)
	}
	m.interrupt(ctap2.CommandCredentialManagement)
	want, c := m.credentialManagement(a)
	s, b := d.request(r)
	d.expect(a.sub.String(), a, want, d.managementText(s, b, c))
}

func (d *modelDriver) managementText(s ctap2.Status, b []byte, c *modelCredential) string {
	if s != 0 {
		return s.Name()
	}
	r, err := ctap2.ParseCredentialManagementResponse(b)
	if err != nil {
		return err.Error()
	}
	total := func(n *uint) uint {
		if n == nil {
			return 0
		}
		return *n
	}
	switch {
	case r.ExistingResidentCredentialsCount != nil && r.MaxPossibleRemainingResidentCredentialsCount != nil:
		return fmt.Sprintf("%d and room for %d", *r.ExistingResidentCredentialsCount, *r.MaxPossibleRemainingResidentCredentialsCount)
	case r.RP != nil:
		if sum := sha256.Sum256([]byte(r.RP.ID)); !bytes.Equal(sum[:], r.RPIDHash) {
			return "the hash of another relying party"
		}
		return fmt.Sprintf("%s of %d", r.RP.ID, total(r.TotalRPs))
	case r.User == nil || r.CredentialID == nil || r.PublicKey == nil:
		return ""
	case c == nil:
		return "a credential that should not be there"
	case !bytes.Equal(r.CredentialID.ID, c.id) || !bytes.Equal(r.PublicKey.Raw, c.public.Raw):
		return "another credential"
	case r.LargeBlobKey != nil && !c.keep("largeBlobKey", string(r.LargeBlobKey)):
		return "another largeBlobKey"
	}
	text := fmt.Sprintf("%s/%s/%s protect %d blob key %v", r.User.ID, r.User.Name, r.User.DisplayName, r.CredProtect, r.LargeBlobKey != nil)
	if r.ThirdPartyPayment != nil {
		text += fmt.Sprint(" payment ", *r.ThirdPartyPayment)
	}
	return fmt.Sprintf("%s of %d", text, total(r.TotalCredentials))
}
