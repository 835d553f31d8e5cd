package ctap2

import (
	"context"
	"errors"
	"fmt"

	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/pinuv"
)

// MaxEnumeration is the most relying parties that [Client.RPs], and the most
// credentials that [Client.Credentials], collects. No key comes near it; one
// that announces more is not believed.
const MaxEnumeration = 4096

// CredentialsMetadata says how many discoverable credentials a key has, and may
// still take (CTAP 2.3 section 6.8.2).
type CredentialsMetadata struct {
	Existing     uint
	MaxRemaining uint // an estimate: the room that a credential takes differs
}

// A StoredRP is a relying party that a key has discoverable credentials for.
type StoredRP struct {
	// RP may have a shortened ID and name: keys cut what is long.
	RP PublicKeyCredentialRPEntity

	// RPIDHash is the SHA-256 of the whole RP ID, as the key returns it. It
	// names the relying party for [Client.Credentials].
	RPIDHash [32]byte
}

// A StoredCredential is a discoverable credential on a key.
type StoredCredential struct {
	User PublicKeyCredentialUserEntity // names may be missing or shortened

	ID                PublicKeyCredentialDescriptor
	PublicKey         *cose.Key    // nil if the key does not send it
	CredProtect       CredProtect  // zero if the key does not send it
	LargeBlobKey      LargeBlobKey // nil, or 32 bytes: for GetLargeBlob
	ThirdPartyPayment bool         // CTAP 2.2
}

// CredentialsMetadata counts the discoverable credentials. The token needs the
// permission cm without an RP ID, or pcmr.
//
// This and the other methods about stored credentials use the preview command
// of FIDO_2_1_PRE if the key has no other. A token is needed even by a key
// without a PIN; nil is sent as no token, to which keys answer
// StatusPUATRequired. One token serves any number of these calls until it
// expires, after ten minutes at most.
func (c *Client) CredentialsMetadata(ctx context.Context, token *pinuv.Token) (CredentialsMetadata, error) {
	return inTurnBy(ctx, c, GetCredsMetadata.operation(), c.credentialManagementCommand, func(ctx context.Context, command Command) (none CredentialsMetadata, _ error) {
		r, err := c.manage(ctx, command, token, &CredentialManagementRequest{SubCommand: GetCredsMetadata})
		if err != nil {
			return none, err
		}
		existing, remaining := r.ExistingResidentCredentialsCount, r.MaxPossibleRemainingResidentCredentialsCount
		if existing == nil || remaining == nil {
			return none, badManagement(command, GetCredsMetadata, r, "a count is missing")
		}
		return CredentialsMetadata{*existing, *remaining}, nil
	})
}

// RPs lists the relying parties that the key has discoverable credentials for,
// empty if there are none. It is one turn of as many commands as there are
// relying parties, at least one. The token is as for
// [Client.CredentialsMetadata].
func (c *Client) RPs(ctx context.Context, token *pinuv.Token) ([]StoredRP, error) {
	return inTurnBy(ctx, c, EnumerateRPsBegin.operation(), c.credentialManagementCommand, func(ctx context.Context, command Command) ([]StoredRP, error) {
		begin := &CredentialManagementRequest{SubCommand: EnumerateRPsBegin}
		return enumerate(ctx, c, command, token, begin, EnumerateRPsGetNextRP, "totalRPs",
			func(r *CredentialManagementResponse) *uint { return r.TotalRPs }, storedRP)
	})
}

func storedRP(r *CredentialManagementResponse) (rp StoredRP, problem string) {
	if len(r.RPIDHash) != len(rp.RPIDHash) {
		return rp, fmt.Sprintf("rpIDHash has %d bytes", len(r.RPIDHash))
	}
	rp.RPIDHash = [32]byte(r.RPIDHash)
	if r.RP != nil {
		rp.RP = *r.RP
	}
	return rp, ""
}

// Credentials lists the discoverable credentials for the relying party whose ID
// has this SHA-256, empty if there are none. Use StoredRP.RPIDHash, not the hash
// of an RP ID from the key, which may be shortened. It is one turn of as many
// commands as there are credentials, at least one. The token is as for
// [Client.CredentialsMetadata].
func (c *Client) Credentials(ctx context.Context, token *pinuv.Token, rpIDHash [32]byte) ([]StoredCredential, error) {
	return inTurnBy(ctx, c, EnumerateCredentialsBegin.operation(), c.credentialManagementCommand, func(ctx context.Context, command Command) ([]StoredCredential, error) {
		begin := &CredentialManagementRequest{
			SubCommand:       EnumerateCredentialsBegin,
			SubCommandParams: &CredentialManagementParams{RPIDHash: rpIDHash[:]},
		}
		return enumerate(ctx, c, command, token, begin, EnumerateCredentialsGetNextCredential, "totalCredentials",
			func(r *CredentialManagementResponse) *uint { return r.TotalCredentials }, storedCredential)
	})
}

func storedCredential(r *CredentialManagementResponse) (s StoredCredential, problem string) {
	if r.CredentialID == nil || len(r.CredentialID.ID) == 0 {
		return s, "credentialID is missing"
	}
	s = StoredCredential{ID: *r.CredentialID, PublicKey: r.PublicKey, CredProtect: r.CredProtect, LargeBlobKey: r.LargeBlobKey}
	if r.User != nil {
		s.User = *r.User
	}
	s.ThirdPartyPayment = r.ThirdPartyPayment != nil && *r.ThirdPartyPayment
	return s, ""
}

// enumerate sends a Begin and as many Next as the answer announces. Nothing to
// list is a status, a count of zero, or an answer without members.
func enumerate[T any](ctx context.Context, c *Client, command Command, token *pinuv.Token, begin *CredentialManagementRequest,
	next CredentialManagementSubCommand, member string, total func(*CredentialManagementResponse) *uint,
	item func(*CredentialManagementResponse) (T, string),
) ([]T, error) {
	r, err := c.manage(ctx, command, token, begin)
	if errors.Is(err, StatusNoCredentials) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	n := total(r)
	switch {
	case n == nil && r.empty(), n != nil && *n == 0:
		return nil, nil
	case n == nil:
		return nil, badManagement(command, begin.SubCommand, r, member+" is missing")
	case *n > MaxEnumeration:
		return nil, badManagement(command, begin.SubCommand, r, fmt.Sprintf("%s is %d, more than %d", member, *n, MaxEnumeration))
	}
	var all []T
	for sub := begin.SubCommand; ; sub = next {
		one, problem := item(r)
		if problem != "" {
			return nil, badManagement(command, sub, r, problem)
		}
		if all = append(all, one); uint(len(all)) == *n {
			return all, nil
		}
		if r, err = c.manage(ctx, command, nil, &CredentialManagementRequest{SubCommand: next}); err != nil {
			return nil, err
		}
	}
}

// DeleteCredential deletes a discoverable credential; StatusNoCredentials means
// that there is none with this ID. The token needs the permission cm, without
// an RP ID or with the credential's.
//
// A large blob of the credential stays behind: delete it first, with
// [Client.DeleteLargeBlob].
func (c *Client) DeleteCredential(ctx context.Context, token *pinuv.Token, id PublicKeyCredentialDescriptor) error {
	return c.changeCredential(ctx, token, DeleteCredential, &CredentialManagementParams{CredentialID: &id})
}

// UpdateUserInformation replaces the names of the account that a discoverable
// credential is for. The user's ID must be the one that is stored, or the key
// answers StatusInvalidParameter; an empty name is removed. The preview command
// does not have it. The token is as for [Client.DeleteCredential].
func (c *Client) UpdateUserInformation(ctx context.Context, token *pinuv.Token, id PublicKeyCredentialDescriptor, user PublicKeyCredentialUserEntity) error {
	return c.changeCredential(ctx, token, UpdateUserInformation, &CredentialManagementParams{CredentialID: &id, User: &user})
}

func (c *Client) changeCredential(ctx context.Context, token *pinuv.Token, sub CredentialManagementSubCommand, params *CredentialManagementParams) error {
	_, err := inTurnBy(ctx, c, sub.operation(), c.credentialManagementCommand, func(ctx context.Context, command Command) (*CredentialManagementResponse, error) {
		if sub == UpdateUserInformation && command == CommandCredentialManagementPreview {
			return nil, &UnsupportedError{"changing the names of an account"}
		}
		return c.manage(ctx, command, token, &CredentialManagementRequest{SubCommand: sub, SubCommandParams: params})
	})
	return err
}

// CredentialManagement sends one subcommand of credentialManagement as it is
// (CTAP 2.3 section 6.8), by the preview command if the key has no other. The
// methods about stored credentials do what most programs need.
func (c *Client) CredentialManagement(ctx context.Context, r *CredentialManagementRequest) (*CredentialManagementResponse, error) {
	return inTurnBy(ctx, c, r.SubCommand.operation(), c.credentialManagementCommand, func(ctx context.Context, command Command) (*CredentialManagementResponse, error) {
		return c.manage(ctx, command, nil, r)
	})
}

// credentialManagementCommand returns the command that the key has.
func (c *Client) credentialManagementCommand(ctx context.Context) (Command, error) {
	info, err := c.remembered(ctx)
	switch {
	case err != nil:
		return 0, err
	case info.Options[OptionCredMgmt]:
		return CommandCredentialManagement, nil
	case info.Options[OptionCredentialMgmtPreview]:
		return CommandCredentialManagementPreview, nil
	}
	return 0, &UnsupportedError{"credential management"}
}

// manage authorises the request if there is a token, and sends it.
func (c *Client) manage(ctx context.Context, command Command, token *pinuv.Token, r *CredentialManagementRequest) (*CredentialManagementResponse, error) {
	o := operation{command, uint(r.SubCommand)}
	if token != nil {
		if err := r.Authorize(token); err != nil {
			return nil, o.fails(err)
		}
	}
	return send(ctx, c, o, asCommand(command, r.Append), ParseCredentialManagementResponse)
}

func badManagement(command Command, sub CredentialManagementSubCommand, r *CredentialManagementResponse, problem string) error {
	return operation{command, uint(sub)}.fails(badReply(command, r.Raw, problem))
}
