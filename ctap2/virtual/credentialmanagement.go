package virtual

import (
	"bytes"
	"slices"

	"github.com/gofido/fido/ctap2"
)

// management is a credentialManagement that runs.
type management struct {
	*operation
	request *ctap2.CredentialManagementRequest
	token   *token // that authorised it; nil: the persistent one, or none was needed
}

// managementSubCommand is a subcommand of credentialManagement.
type managementSubCommand struct {
	next   bool // continues an enumeration, which needs no proof
	reads  bool // the persistent token is good for it
	params func(*ctap2.CredentialManagementParams) bool
	run    func(k *Key, m *management) (*ctap2.CredentialManagementResponse, error)
}

// Members of a credentialManagement request.
const (
	managementPinUvAuthProtocol = 0x03
	managementPinUvAuthParam    = 0x04
)

var managementSubCommands = map[ctap2.CredentialManagementSubCommand]managementSubCommand{
	ctap2.GetCredsMetadata:                      {reads: true, run: (*Key).credsMetadata},
	ctap2.EnumerateRPsBegin:                     {reads: true, run: (*Key).enumerateRPs},
	ctap2.EnumerateRPsGetNextRP:                 {next: true, run: next[rpEnumeration]},
	ctap2.EnumerateCredentialsBegin:             {reads: true, params: hasRPIDHash, run: (*Key).enumerateCredentials},
	ctap2.EnumerateCredentialsGetNextCredential: {next: true, run: next[credentialEnumeration]},
	ctap2.DeleteCredential:                      {params: hasCredentialID, run: (*Key).deleteCredential},
	ctap2.UpdateUserInformation:                 {params: hasUser, run: (*Key).updateUserInformation},
}

func hasRPIDHash(p *ctap2.CredentialManagementParams) bool     { return p.RPIDHash != nil }
func hasCredentialID(p *ctap2.CredentialManagementParams) bool { return p.CredentialID != nil }
func hasUser(p *ctap2.CredentialManagementParams) bool         { return p.CredentialID != nil && p.User != nil }

// credentialManagement is CTAP 2.3 section 6.8, and the preview command of
// FIDO_2_1_PRE.
func (k *Key) credentialManagement(o *operation, dst, parameters []byte) ([]byte, error) {
	r, err := ctap2.ParseCredentialManagementRequest(parameters)
	if err != nil {
		k.end()
		return nil, err
	}
	sub, ok := managementSubCommands[r.SubCommand]
	if !sub.next {
		k.end() // run ends only what another command continues
	}
	if !ok || o.isPreview() && r.SubCommand == ctap2.UpdateUserInformation {
		return nil, k.unknownSubCommand()
	}
	m := &management{operation: o, request: r}
	if !sub.next {
		if err := k.authorizeManagement(m, &sub); err != nil {
			return nil, err
		}
	}
	response, err := sub.run(k, m)
	if err != nil {
		return nil, err
	}
	return response.Append(dst)
}

// authorizeManagement checks what is the same for every subcommand that needs a
// proof, in the order in which the specification does. Whether the token is
// good for the relying party each subcommand says for itself.
func (k *Key) authorizeManagement(m *management, sub *managementSubCommand) error {
	r := m.request
	switch {
	case !r.Has(managementPinUvAuthParam):
		return ctap2.StatusPUATRequired // even if the key has no PIN yet
	case sub.params != nil && (r.SubCommandParams == nil || !sub.params(r.SubCommandParams)):
		return ctap2.StatusMissingParameter
	}
	if err := k.checkProtocol(&r.Received, managementPinUvAuthParam, managementPinUvAuthProtocol, r.PinUvAuthProtocol); err != nil {
		return err
	}
	message, err := r.Message()
	if err != nil {
		return err
	}
	if sub.reads && k.readOnlyTokens() {
		persistent, err := k.persistentToken(r.PinUvAuthProtocol)
		if err != nil {
			return err
		}
		defer persistent.Wipe()
		if persistent.Verify(message, r.PinUvAuthParam) {
			return nil
		}
	}
	t, err := k.authenticate(r.PinUvAuthProtocol, message, r.PinUvAuthParam)
	if err != nil {
		return err
	}
	if !t.permits(ctap2.PermissionCM, m.operation) {
		return ctap2.StatusPINAuthInvalid
	}
	m.token = t
	return nil
}

// bound returns the ID of the relying party that the token is bound to, or "".
// Those who know no permissions know no bound tokens either.
func (m *management) bound() string {
	if m.token == nil || m.isPreview() && m.token.legacy {
		return ""
	}
	return m.token.rpID
}

func (k *Key) credsMetadata(m *management) (*ctap2.CredentialManagementResponse, error) {
	if m.bound() != "" {
		return nil, ctap2.StatusPINAuthInvalid
	}
	var n uint
	for _, c := range k.state.stored {
		if c.discoverable {
			n++
		}
	}
	return &ctap2.CredentialManagementResponse{
		ExistingResidentCredentialsCount:             new(n),
		MaxPossibleRemainingResidentCredentialsCount: new(uint(k.remaining())),
	}, nil
}

// enumeration is what a GetNext continues: credentials, of which one is
// described at a time.
type enumeration interface {
	~[]*credential
	describe(k *Key, c *credential) (*ctap2.CredentialManagementResponse, error)
}

// rpEnumeration has one credential of each relying party.
type rpEnumeration []*credential

func (rpEnumeration) describe(_ *Key, c *credential) (*ctap2.CredentialManagementResponse, error) {
	return &ctap2.CredentialManagementResponse{RP: &c.rp, RPIDHash: c.rpIDHash[:]}, nil
}

// credentialEnumeration has the credentials of one relying party.
type credentialEnumeration []*credential

// describe is also where what an extension keeps with the credential comes in.
func (credentialEnumeration) describe(k *Key, c *credential) (*ctap2.CredentialManagementResponse, error) {
	public, err := c.publicKey()
	if err != nil {
		return nil, err
	}
	r := &ctap2.CredentialManagementResponse{
		User:         &c.user,
		CredentialID: &ctap2.PublicKeyCredentialDescriptor{ID: c.id, Type: ctap2.TypePublicKey},
		PublicKey:    public,
		LargeBlobKey: c.largeBlobKey(k),
	}
	if k.has(ctap2.ExtensionCredProtect) {
		r.CredProtect = ctap2.CredProtect(c.protection())
	}
	if k.has(ctap2.ExtensionThirdPartyPayment) {
		r.ThirdPartyPayment = new(c.forPayments())
	}
	return r, nil
}

// enumerate describes the first of all, and remembers the rest for a GetNext.
func enumerate[E enumeration](k *Key, m *management, all E, total func(*ctap2.CredentialManagementResponse) **uint) (*ctap2.CredentialManagementResponse, error) {
	if len(all) == 0 {
		return nil, ctap2.StatusNoCredentials
	}
	r, err := all.describe(k, all[0])
	if err != nil {
		return nil, err
	}
	*total(r) = new(uint(len(all)))
	k.begin(m.operation, m.command, m.token, new(all[1:]))
	return r, nil
}

// next is enumerateRPsGetNextRP and enumerateCredentialsGetNextCredential. A
// GetNext of the other kind is another command like any other, and ends the
// enumeration.
func next[E enumeration](k *Key, m *management) (*ctap2.CredentialManagementResponse, error) {
	if s := k.boot.sequence; s != nil && s.session == m.session {
		if _, ok := s.state.(*E); !ok {
			k.end()
		}
	}
	rest, ok := resume[*E](k, m.operation)
	if !ok || len(*rest) == 0 {
		return nil, ctap2.StatusNotAllowed
	}
	r, err := (*rest).describe(k, (*rest)[0])
	if err != nil {
		return nil, err
	}
	*rest = (*rest)[1:]
	return r, nil
}

// enumerateRPs is enumerateRPsBegin: the relying party of the newest credential
// comes first.
func (k *Key) enumerateRPs(m *management) (*ctap2.CredentialManagementResponse, error) {
	if m.bound() != "" {
		return nil, ctap2.StatusPINAuthInvalid
	}
	var all rpEnumeration
	seen := make(map[[32]byte]bool)
	for _, c := range slices.Backward(k.state.stored) {
		if c.discoverable && !seen[c.rpIDHash] {
			seen[c.rpIDHash] = true
			all = append(all, c)
		}
	}
	if len(all) == 0 && k.faults.NoRPsTotal {
		return &ctap2.CredentialManagementResponse{TotalRPs: new(uint(0))}, nil
	}
	return enumerate(k, m, all, func(r *ctap2.CredentialManagementResponse) **uint { return &r.TotalRPs })
}

// enumerateCredentials is enumerateCredentialsBegin, newest first. A token that
// is bound to the relying party lists its credentials, as CTAP 2.1 has it: CTAP
// 2.3 can be read as refusing one, but libfido2 asks for no other.
func (k *Key) enumerateCredentials(m *management) (*ctap2.CredentialManagementResponse, error) {
	hash := m.request.SubCommandParams.RPIDHash
	if len(hash) != len(credential{}.rpIDHash) {
		return nil, ctap2.StatusInvalidLength
	}
	rpIDHash := [32]byte(hash)
	if id := m.bound(); id != "" && hashRPID(id) != rpIDHash {
		return nil, ctap2.StatusPINAuthInvalid
	}
	return enumerate(k, m, credentialEnumeration(k.discoverable(rpIDHash)),
		func(r *ctap2.CredentialManagementResponse) **uint { return &r.TotalCredentials })
}

// named returns the discoverable credential that the request names. With a token
// that is bound to a relying party there are no others than its own, and the
// status does not tell whether another has it.
func (k *Key) named(m *management) (*credential, error) {
	id := m.request.SubCommandParams.CredentialID
	bound := m.bound()
	if id.Type == ctap2.TypePublicKey {
		for _, c := range k.state.stored {
			if c.discoverable && bytes.Equal(c.id, id.ID) && (bound == "" || bound == c.rp.ID) {
				return c, nil
			}
		}
	}
	if bound != "" {
		return nil, ctap2.StatusPINAuthInvalid
	}
	return nil, ctap2.StatusNoCredentials
}

func (k *Key) deleteCredential(m *management) (*ctap2.CredentialManagementResponse, error) {
	c, err := k.named(m)
	if err != nil {
		return nil, err
	}
	if err := k.commit(change{c.record(), nil}, k.newStoreState()); err != nil {
		return nil, err
	}
	k.state.versions.Store++
	k.remove(c)
	return &ctap2.CredentialManagementResponse{}, nil
}

// updateUserInformation replaces the names; one that is absent or empty is
// removed. Every credential has room for names of any length that the key keeps.
func (k *Key) updateUserInformation(m *management) (*ctap2.CredentialManagementResponse, error) {
	c, err := k.named(m)
	if err != nil {
		return nil, err
	}
	user := m.request.SubCommandParams.User
	if !bytes.Equal(user.ID, c.user.ID) {
		return nil, ctap2.StatusInvalidParameter
	}
	changed := *c
	changed.user.Name, changed.user.DisplayName = k.cutName(user.Name), k.cutName(user.DisplayName)
	if err := k.commit(change{c.record(), changed.encode()}, k.newStoreState()); err != nil {
		return nil, err
	}
	k.state.versions.Store++
	c.user = changed.user
	k.event(CredentialUpdated, c)
	return &ctap2.CredentialManagementResponse{}, nil
}
